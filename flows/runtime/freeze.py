"""Deploy, in a freeze that releases wait for the end of: the run is suspended until then."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from flows.runtime.notify import announce
from flows.runtime.question import Question
from flows.runtime.suspension import Waits, has_waited_for, suspendable
from shipway.release import Release
from shipway.rollout.frozen import Frozen, FrozenError
from shipway.rollout.target import Target

DAY = 24 * 3600
# A freeze may be prolonged. Prefect ends what waits for one after that, where no agent runs.
PROLONGED_SECONDS = 30 * DAY
# Prefect adds it to the time of now, which has an end.
LONGEST_SECONDS = 3650 * DAY


def may_wait(frozen: Frozen) -> bool:
    """Whether this run may wait for the end of a freeze: only what can be suspended does."""
    return frozen.waits and suspendable() is not None


async def wait_for_end(target: Target, release: Release, frozen: Frozen) -> Waits:
    """What suspends this run until a freeze ends; the team is told that it waits.

    Args:
        target: The environment.
        release: What is released.
        frozen: The freeze.
    """
    seconds = (frozen.until - datetime.now(UTC)).total_seconds()
    words = f"{release.title(target.app_environment)}: {frozen.words}"
    question = Question(
        app_environment=target.app_environment,
        release=release,
        timeout_seconds=min(round(max(0.0, seconds)) + PROLONGED_SECONDS, LONGEST_SECONDS),
        form=f"{words}\n\nIt goes on by itself after that. With a reason, it goes on now.",
        frozen=frozen,
    )
    if not has_waited_for(frozen):
        await announce(target, release, "frozen", question.sentence, until=frozen.end)
    return Waits(question)


@asynccontextmanager
async def waiting_for_end(target: Target, release: Release) -> AsyncGenerator[None]:
    """Have this run wait where what happens within meets a freeze that has begun meanwhile.

    Raises:
        FrozenError: Releases are refused in it, or this run cannot be suspended.
        Waits: The run is to be suspended.
    """
    try:
        yield
    except FrozenError as error:
        if not may_wait(error.frozen):
            raise
        waits = await wait_for_end(target, release, error.frozen)
    else:
        return
    raise waits
