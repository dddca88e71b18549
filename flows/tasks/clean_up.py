"""Nothing that a run started outlives it: neither a cancelled run nor a worker that was killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterParentFlowRunId,
)
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger
from prefect.states import Cancelled, Crashed

from flows.runtime.beside import NOT_REMOVED, do_beside
from flows.runtime.external_task import external_task
from flows.runtime.open_runner import runners_with_settings
from flows.runtime.run_link import root_run
from shipway.errors import RetryError
from shipway.process_identity import is_gone
from shipway.runners.runner import PreparesPlaces, Runner
from shipway.temporary_folder import remove_abandoned_folders

KILLED = "The process of this run was killed."


async def remove_what_runs(flow: Any, flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001
    """State hook: end the layers of a run that was cancelled or crashed; remove what it has up."""
    # A process that is killed can tell of neither itself nor them.
    await _end(
        _below(flow_run.id), Cancelled() if state.is_cancelling() else Crashed(message=KILLED)
    )
    for runner in await runners_with_settings():
        with suppress(RetryError):
            await runner.remove(str(flow_run.id))


@asynccontextmanager
async def nothing_left() -> AsyncGenerator[None]:
    """Whatever the run has started within is removed afterwards, however it ended, and beside."""
    run = root_run()
    # Environments see to themselves; what was prepared may wait for one in vain.
    preparing = [
        runner for runner in await runners_with_settings() if isinstance(runner, PreparesPlaces)
    ]
    try:
        yield
    finally:
        do_beside(_remove(run, preparing), NOT_REMOVED)


@external_task("clear what dead runs left")
async def clear_leftovers() -> int:
    """Remove containers, pods and folders of runs that are over or were killed.

    Returns how many containers and pods it were.

    A run whose process is gone could neither clean up nor tell Prefect: that is done here.
    """
    log, count = get_run_logger(), 0
    for runner in await runners_with_settings():
        try:
            count += await _clear(runner)
        except RetryError as error:
            # A cluster for tests may be away; this run may not even need it.
            log.warning("What dead runs left could not be looked for: %s", error.what)
    if count:
        log.warning("Removed %d containers or pods that dead runs had left", count)
    if folders := await asyncio.to_thread(remove_abandoned_folders):
        log.warning("Removed %d temporary folders that dead runs had left", folders)
    return count


async def _remove(run: str, runners: Sequence[Runner]) -> None:
    for runner in runners:
        await runner.remove(run)


async def _clear(runner: Runner) -> int:
    count = 0
    for run, processes in (await runner.owners()).items():
        killed = all(is_gone(process) for process in processes)
        if killed:
            await _tell_that_it_crashed(UUID(run))
        if killed or await _is_over(run):
            count += await runner.remove(run)
    return count


async def _is_over(run: str) -> bool:
    async with get_client() as client:
        try:
            state = (await client.read_flow_run(UUID(run))).state
        except ObjectNotFound:
            # Another Prefect server may share the engine; what it runs is not ours to remove.
            return False
    return state is not None and state.is_final()


async def _tell_that_it_crashed(run: UUID) -> None:
    """A killed run stays Running in Prefect, as its layers do, unless somebody says otherwise."""
    crashed: State[Any] = Crashed(message=KILLED)
    await _end(_below(run), crashed)
    await _end(FlowRunFilter(id=FlowRunFilterId(any_=[run])), crashed)


def _below(run: UUID) -> FlowRunFilter:
    return FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[run]))


async def _end(which: FlowRunFilter, state: State[Any]) -> None:
    async with get_client() as client:
        for flow in await client.read_flow_runs(flow_run_filter=which):
            if flow.state is not None and flow.state.is_running():
                await client.set_flow_run_state(flow.id, state, force=True)
