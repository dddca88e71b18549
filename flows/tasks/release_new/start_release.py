"""A run of `release` for a revision that nobody has released, or tried to release, before."""

from __future__ import annotations

import asyncio

from prefect.logging import get_run_logger

from blocks.ops_repository import OpsRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.run_link import address_of
from flows.runtime.start_once import runs_with, start_once
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.git.source_refs import Ref
from shipway.reports.started import Started
from shipway.rollout.new_revisions import Next, was_released

RELEASE = "release/release"


@external_task("release {new.ref.title} in {new.app_environment.folder}")
async def start_release(new: Next) -> Started | None:
    """Start a release, once; None where it was started before.

    Prefect keeps a run's key for as long as the run: two looks at once make one run, and one that
    failed is not tried again. What people released themselves, the ops repository remembers.

    Args:
        new: What is to be released, and where.

    Raises:
        RetryError: Git does not answer.
        RefuseError: There is no deployment to start.
    """
    log, where, ref = get_run_logger(), new.app_environment, new.ref
    runs = await runs_with([_key(new, each) for each in (ref, *new.superseded)])
    if before := runs.get(_key(new, ref)):
        link = address_of(str(before.id))
        log.info("%s: %s was started before: %s", where.title, ref.title, link)
        return None
    if await _was_released(new):
        why = "was released before, and somebody went back: release it if that is meant"
        log.info("%s: %s %s", where.title, ref.title, why)
        return None
    parameters = {**where.model_dump(), "revision": ref.commit}
    run = await start_once(RELEASE, parameters, _key(new, ref), [ref.title])
    link = address_of(str(run.id))
    superseded = tuple(each for each in new.superseded if _key(new, each) not in runs)
    for older in reversed(superseded):
        log.info("%s: %s is superseded, and not released", where.title, older.title)
    log.info("%s: %s is released by %s", where.title, ref.title, link)
    return Started(new=new.model_copy(update={"superseded": superseded}), run=link)


async def _was_released(new: Next) -> bool:
    """Whether the ops repository remembers a release of it."""
    ops = await load_block(OpsRepository)

    def asked(_: OpsFolder, history: History) -> bool:
        return was_released(new.ref.commit, history)

    return await asyncio.to_thread(ops.consult, new.app_environment, asked)


def _key(new: Next, ref: Ref) -> str:
    return f"{new.app_environment.folder}@{ref.commit}"
