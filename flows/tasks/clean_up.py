"""Nothing that a run started outlives it: neither a cancelled run nor a worker that was killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Crashed

from blocks.concurrency import to_the_end
from blocks.container_runner import ContainerRunner
from blocks.owner import is_gone
from blocks.runners.containers import owners_of_leftovers, remove_leftovers
from flows.tasks.outside import outside


async def remove_what_runs(flow: Any, flow_run: FlowRun, state: Any) -> None:  # noqa: ARG001
    """State hook: remove the containers and networks of a run that was cancelled or crashed."""
    runner = await ContainerRunner.aload("default")
    async with runner.client() as client:
        await asyncio.to_thread(remove_leftovers, client, str(flow_run.id))


@asynccontextmanager
async def nothing_left() -> AsyncGenerator[None]:
    """Whatever the run has started within is gone afterwards, however it ended."""
    runner, run = await ContainerRunner.aload("default"), str(flow_run.root_flow_run_id)
    try:
        yield
    finally:
        async with runner.client() as client:
            await to_the_end(asyncio.to_thread(remove_leftovers, client, run))


@outside("clear what dead runs left")
async def clear_leftovers() -> int:
    """Remove containers of runs that are over or were killed. Return how many.

    A run whose process is gone could neither clean up nor tell Prefect: that is done here.
    """
    runner = await ContainerRunner.aload("default")
    count = 0
    async with runner.client() as client:
        owners = await asyncio.to_thread(owners_of_leftovers, client)
        for run, processes in owners.items():
            killed = all(is_gone(one) for one in processes)
            if killed:
                await _tell_that_it_crashed(run)
            if killed or await _is_over(run):
                count += await asyncio.to_thread(remove_leftovers, client, run)
    if count:
        get_run_logger().warning("Removed %d containers that dead runs had left", count)
    return count


async def _is_over(run: str) -> bool:
    async with get_client() as client:
        try:
            found = await client.read_flow_run(UUID(run))
        except ObjectNotFound:
            # Another Prefect server may share the engine; what it runs is not ours to remove.
            return False
    return found.state is not None and found.state.is_final()


async def _tell_that_it_crashed(run: str) -> None:
    """A killed run stays Running in Prefect unless somebody says what became of it."""
    async with get_client() as client:
        with suppress(ObjectNotFound):
            found = await client.read_flow_run(UUID(run))
            if found.state is not None and found.state.is_running():
                gone = Crashed(message="The process of this run was killed.")
                await client.set_flow_run_state(found.id, gone, force=True)
