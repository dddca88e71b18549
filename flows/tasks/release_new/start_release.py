"""A run of `release` for a revision that nobody has released, or tried to release, before."""

from __future__ import annotations

import asyncio

from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterIdempotencyKey
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort
from prefect.deployments.flow_runs import arun_deployment
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger

from blocks.ops_repository import OpsRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.run_link import address_of
from shipway.errors import RefuseError
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
    runs = await _runs_of(new)
    if before := runs.get(_key(new, ref)):
        link = address_of(str(before.id))
        log.info("%s: %s was started before: %s", where.title, ref.title, link)
        return None
    if await _was_released(new):
        why = "was released before, and somebody went back: release it if that is meant"
        log.info("%s: %s %s", where.title, ref.title, why)
        return None
    link = address_of(str((await _start(new)).id))
    superseded = tuple(each for each in new.superseded if _key(new, each) not in runs)
    for older in reversed(superseded):
        log.info("%s: %s is superseded, and not released", where.title, older.title)
    log.info("%s: %s is released by %s", where.title, ref.title, link)
    return Started(new=new.model_copy(update={"superseded": superseded}), run=link)


async def _start(new: Next) -> FlowRun:
    try:
        return await arun_deployment(
            RELEASE,
            parameters={**new.app_environment.model_dump(), "revision": new.ref.commit},
            idempotency_key=_key(new, new.ref),
            tags=[new.ref.title],
            timeout=0,
            as_subflow=False,
        )
    except ObjectNotFound:
        raise RefuseError(
            f"The Prefect server has no deployment {RELEASE}.",
            untouched="everything: no run was started",
            remedy="prefect deploy --all",
        ) from None


async def _was_released(new: Next) -> bool:
    """Whether the ops repository remembers a release of it."""
    ops = await load_block(OpsRepository)

    def asked(_: OpsFolder, history: History) -> bool:
        return was_released(new.ref.commit, history)

    return await asyncio.to_thread(ops.consult, new.app_environment, asked)


async def _runs_of(new: Next) -> dict[str | None, FlowRun]:
    """The runs that were started of it, or of what it supersedes, by their keys."""
    keys = [_key(new, ref) for ref in (new.ref, *new.superseded)]
    of_keys = FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=keys))
    async with get_client() as client:
        runs = await client.read_flow_runs(
            flow_run_filter=of_keys, sort=FlowRunSort.EXPECTED_START_TIME_DESC
        )
    return {run.idempotency_key: run for run in runs}


def _key(new: Next, ref: Ref) -> str:
    return f"{new.app_environment.folder}@{ref.commit}"
