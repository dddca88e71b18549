"""Nothing that a run started outlives it: neither a cancelled run nor a worker that was killed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterParentFlowRunId,
)
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Crashed

from blocks.container_runner import ContainerRunner
from blocks.pod_runner import PodRunner
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.concurrency import shielded
from shipway.errors import RefuseError, RetryError
from shipway.runners.process_identity import is_gone


async def remove_what_runs(flow: Any, flow_run: FlowRun, state: Any) -> None:  # noqa: ARG001
    """State hook: remove what a run that was cancelled or crashed has running."""
    for runner in await _runners():
        with suppress(RetryError):
            await runner.remove(str(flow_run.id))


@asynccontextmanager
async def nothing_left() -> AsyncGenerator[None]:
    """Whatever the run has started within is gone afterwards, however it ended."""
    runner, run = await load_block(ContainerRunner), str(flow_run.root_flow_run_id)
    try:
        yield
    finally:
        await shielded(runner.remove(run))


@external_task("clear what dead runs left")
async def clear_leftovers() -> int:
    """Remove containers and pods of runs that are over or were killed. Return how many.

    A run whose process is gone could neither clean up nor tell Prefect: that is done here.
    """
    log, count = get_run_logger(), 0
    for runner in await _runners():
        try:
            count += await _clear(runner)
        except RetryError as error:
            # A cluster for tests may be away; this run may not even need it.
            log.warning("What dead runs left could not be looked for: %s", error.what)
    if count:
        log.warning("Removed %d containers or pods that dead runs had left", count)
    return count


async def _clear(runner: ContainerRunner | PodRunner) -> int:
    count = 0
    for run, processes in (await runner.owners()).items():
        killed = all(is_gone(one) for one in processes)
        if killed:
            await _tell_that_it_crashed(run)
        if killed or await _is_over(run):
            count += await runner.remove(run)
    return count


async def _runners() -> list[ContainerRunner | PodRunner]:
    """Where layers run: the engine, and a cluster where one is set up for tests."""
    found: list[ContainerRunner | PodRunner] = [await load_block(ContainerRunner)]
    with suppress(RefuseError):
        found.append(await load_block(PodRunner))
    return found


async def _is_over(run: str) -> bool:
    async with get_client() as client:
        try:
            found = await client.read_flow_run(UUID(run))
        except ObjectNotFound:
            # Another Prefect server may share the engine; what it runs is not ours to remove.
            return False
    return found.state is not None and found.state.is_final()


async def _tell_that_it_crashed(run: str) -> None:
    """A killed run stays Running in Prefect, as its layers do, unless somebody says otherwise."""
    itself = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(run)]))
    below = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[UUID(run)]))
    async with get_client() as client:
        for which in (below, itself):
            for found in await client.read_flow_runs(flow_run_filter=which):
                if found.state is not None and found.state.is_running():
                    gone = Crashed(message="The process of this run was killed.")
                    await client.set_flow_run_state(found.id, gone, force=True)
