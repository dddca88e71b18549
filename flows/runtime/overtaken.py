"""Deploy, while it waits: a release that another one overtakes ends at once, and says who won."""

from __future__ import annotations

from collections.abc import Coroutine
from functools import partial
from typing import Any, TypeVar

from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from flows.runtime.freeze import may_wait
from flows.runtime.load_block import load_block
from shipway.app_environment import AppEnvironment
from shipway.concurrency import fail_fast_group
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.release import Release
from shipway.rollout import fence
from shipway.rollout.frozen import FrozenError
from shipway.rollout.overtaken import until_overtaken

Result = TypeVar("Result")

# Each look is a process and a question to the Git server. Many releases may build at once; few are
# in the middle of a rollout.
BUILDING_SECONDS, ROLLING_OUT_SECONDS = 15.0, 5.0


async def unless_overtaken(
    app_environment: AppEnvironment,
    release: Release,
    work: Coroutine[Any, Any, Result],
    *,
    committed: bool,
    every_seconds: float = ROLLING_OUT_SECONDS,
) -> Result:
    """Do some work of a release, and end it the moment that Git no longer lets the release go on.

    Args:
        app_environment: Where the release goes.
        release: What is released.
        work: What takes long.
        committed: Whether Git has to say the release already.
        every_seconds: How often Git is asked.

    Raises:
        RefuseError: Another release, a rollback or a person has taken the environment over.
    """
    check = fence.check_committed if committed else _check_release
    async with fail_fast_group() as group:
        working = group.create_task(work)
        ops = await load_block(OpsRepository)
        source = await load_block(SourceRepository, app_environment.app)
        question = partial(check, source, release=release)
        watching = group.create_task(until_overtaken(ops, app_environment, question, every_seconds))
        result = await working
        watching.cancel()
    return result


def _check_release(
    source: SourceRepository, folder: OpsFolder, history: History, release: Release
) -> None:
    """What the fence says, apart from a freeze that this run waits for the end of, once it is met.

    Raises:
        RefuseError: The release may not go on.
    """
    try:
        fence.check_release(source, folder, history, release)
    except FrozenError as error:
        if not may_wait(error.frozen):
            raise
