"""Which runs wait for the end of a freeze, and what they go on with; the server is not there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from flows.runtime import freeze, overtaken, suspension
from flows.runtime.freeze import LONGEST_SECONDS, PROLONGED_SECONDS, may_wait, waiting_for_end
from flows.runtime.question import Asked, FreezeOverride, Question
from flows.runtime.suspension import Suspendable, Waits, has_begun, has_waited_for, release_before
from shipway.release import Cause, Release
from shipway.rollout import fence
from shipway.rollout.frozen import Frozen, FrozenError
from tests.support.memory_ops import revision
from tests.support.rolling_environment import image
from tests.support.watched import target

RUN = UUID(int=1)
UNTIL = datetime.now(UTC) + timedelta(hours=1)
RELEASE = Release(revision=revision(1), image=image(1), cause=Cause(downgrade=True))


def frozen(until: datetime = UNTIL, *, waits: bool = True) -> Frozen:
    return Frozen(
        file="prod/freeze.yaml", until=until, by="Ada", reason="the holidays", waits=waits
    )


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What the team hears; the run can be suspended, and has not been before."""
    told: list[str] = []

    async def announce(_target: Any, _release: Any, what: str, words: str, **_: Any) -> None:
        told.append(f"{what}: {words}")

    monkeypatch.setattr(freeze, "announce", announce)
    token = suspension._this.set(Suspendable(run=RUN, asked=None))
    yield told
    suspension._this.reset(token)


async def meets(found: Frozen) -> Question:
    """What a run is suspended with that meets a freeze."""
    with pytest.raises(Waits) as waits:
        async with waiting_for_end(target(), RELEASE):
            raise FrozenError("shop in prod is frozen.", found)
    return waits.value.question


def suspended_with(question: Question, override: str | None = None) -> None:
    asked = Asked(question=question, key="k", until=UNTIL, report=None)
    suspension._this.set(Suspendable(run=RUN, asked=asked, override=override))


async def test_it_waits_and_the_team_hears_it_once(told: list[str]) -> None:
    question = await meets(frozen())
    words = f"shop in prod is {frozen().words}. The release waits."
    assert (question.sentence, question.release) == (words, RELEASE)
    assert told == [f"frozen: {words}"]
    # Somebody has had it go on, without a reason.
    suspended_with(question)
    assert has_waited_for(frozen())
    assert (await meets(frozen())).sentence == words
    assert len(told) == 1
    await meets(frozen(UNTIL + timedelta(days=1)))
    assert len(told) == 2


@pytest.mark.parametrize("can_be_suspended", [True, False])
async def test_it_is_refused_where_releases_are_or_the_run_cannot_be_suspended(
    told: list[str], *, can_be_suspended: bool
) -> None:
    if not can_be_suspended:
        suspension._this.set(None)
    found = frozen(waits=not can_be_suspended)
    assert not may_wait(found)
    with pytest.raises(FrozenError):
        async with waiting_for_end(target(), RELEASE):
            raise FrozenError("shop in prod is frozen.", found)
    assert told == []


async def test_prefect_gives_it_longer_than_the_freeze_lasts(told: list[str]) -> None:
    seconds = (await meets(frozen())).timeout_seconds
    assert PROLONGED_SECONDS < seconds <= PROLONGED_SECONDS + 3600
    forever = datetime.max.replace(tzinfo=UTC)
    assert (await meets(frozen(forever))).timeout_seconds == LONGEST_SECONDS


async def test_it_goes_on_with_the_same_release_and_what_a_person_has_said(
    told: list[str],
) -> None:
    question = await meets(frozen())
    suspended_with(question)
    assert release_before() == RELEASE
    suspended_with(question, override="it is down (Grace)")
    assert release_before() == RELEASE.model_copy(
        update={"cause": Cause(downgrade=True, override_freeze="it is down (Grace)")}
    )
    # Its beginning was not told yet, as it is of one that waits for an approval of a later step.
    assert not has_begun(RELEASE)
    suspended_with(question.model_copy(update={"frozen": None, "step": "2/2 switch"}))
    assert has_begun(RELEASE)
    assert not has_begun(RELEASE.model_copy(update={"image": image(2)}))


@pytest.mark.parametrize(
    ("reason", "who", "words"),
    [
        ("it is down", "Grace", "it is down (Grace)"),
        ("it is\ndown", " ", "it is down"),
        (" ", "Grace", ""),
        ("", "", ""),
    ],
)
def test_without_a_reason_nothing_is_overridden(reason: str, who: str, words: str) -> None:
    assert FreezeOverride(reason=reason, who=who).words == words


@pytest.mark.parametrize("waits", [True, False])
async def test_a_freeze_that_begins_while_it_builds_ends_only_what_may_not_wait(
    told: list[str], monkeypatch: pytest.MonkeyPatch, *, waits: bool
) -> None:
    def check(*_: object) -> None:
        raise FrozenError("shop in prod is frozen.", frozen(waits=waits))

    monkeypatch.setattr(fence, "check_release", check)
    anything: Any = None
    if waits:
        overtaken._check_release(anything, anything, anything, RELEASE)
    else:
        with pytest.raises(FrozenError):
            overtaken._check_release(anything, anything, anything, RELEASE)
