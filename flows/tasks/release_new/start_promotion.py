"""A run of `promote` for a version that nobody has promoted, or tried to promote, before."""

from __future__ import annotations

import asyncio

from prefect.logging import get_run_logger

from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.run_link import address_of
from flows.runtime.start_once import runs_with, start_once
from flows.tasks.find_promotable import promotable
from shipway.errors import RefuseError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.release import Cause, Release
from shipway.reports.started import Promoted
from shipway.rollout.fence import check_release
from shipway.rollout.new_revisions import Left, was_released
from shipway.rollout.promotion import promotion_of
from shipway.rollout.target import target_of
from shipway.rollout.waves import Waiting

PROMOTE = "promote/promote"


@external_task("promote what is due in {waiting.app_environment.folder}", retry_seconds=())
async def start_promotion(waiting: Waiting) -> Promoted | Left | None:
    """Start a promotion, once, if nothing keeps it; None where it waits, or was started before.

    Args:
        waiting: What is due by what Git says.

    Returns:
        The run; or why it is left to people.

    Raises:
        RetryError: Git or a cluster does not answer; the next look is soon enough.
        RefuseError: There is no deployment to start, or no block of the app or of a cluster.
    """
    log, where = get_run_logger(), waiting.app_environment
    key, short = f"{where.folder}@{waiting.version.image}", waiting.version.revision[:7]
    if before := (await runs_with([key])).get(key):
        log.info("%s: %s was started before: %s", where.title, short, address_of(str(before.id)))
        return None
    ops = await load_block(OpsRepository)
    source = await load_block(SourceRepository, where.app)
    here = target_of(await asyncio.to_thread(ops.fetch, where))
    try:
        release = await promotable(where.app, promotion_of(here), Cause())
    except RefuseError as error:
        got = f": {error.facts['got']}" if error.facts["got"] else ""
        log.info("%s: %s waits. %s%s", where.title, short, error.what, got)
        return None

    def refusal(folder: OpsFolder, history: History) -> str | None:
        return _refusal(source, folder, history, release)

    if why := await asyncio.to_thread(ops.consult, where, refusal):
        return Left(app_environment=where, why=f"{release.revision.short}: {why}")
    link = address_of(str((await start_once(PROMOTE, where.model_dump(), key, [short])).id))
    log.info("%s: %s is promoted by %s", where.title, short, link)
    return Promoted(waiting=waiting, run=link)


def _refusal(
    source: SourceRepository, folder: OpsFolder, history: History, release: Release
) -> str | None:
    """Why a version is left to people; None where nothing in Git refuses it."""
    if was_released(release.revision.commit, history):
        return "was released before, and somebody went back: promote it if that is meant"
    try:
        check_release(source, folder, history, release)
    except RefuseError as error:
        return error.what
    return None
