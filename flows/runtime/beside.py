"""What a run does beside its next steps, and which nobody waits for to know how the run ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

from prefect.client.schemas.objects import FlowRun
from prefect.logging import get_run_logger

T = TypeVar("T")

NOT_REMOVED = "What this run has left is removed by the next one"

_going_on: set[asyncio.Task[None]] = set()


def do_beside(work: Coroutine[Any, Any, None], failure: str) -> None:
    """Begin some work and go on; `finish_beside` waits for it.

    Args:
        work: Nothing that the run does depends on it.
        failure: What a failure means, for the run's log; it is no failure of the run.
    """
    task = asyncio.create_task(do_if_possible(work, failure))
    _going_on.add(task)
    task.add_done_callback(_going_on.discard)


@asynccontextmanager
async def closed_beside(place: AbstractAsyncContextManager[T]) -> AsyncGenerator[T]:
    """Open a place; begin to close it afterwards, and go on.

    An error is waited out: the place may know what it means.
    """
    opened = await place.__aenter__()
    try:
        yield opened
    except Exception as error:
        if not await place.__aexit__(type(error), error, error.__traceback__):
            raise
    except BaseException:
        _close_beside(place)
        raise
    else:
        _close_beside(place)


async def finish_beside(flow: Any, flow_run: FlowRun, state: Any) -> None:  # noqa: ARG001
    """State hook of the run that people started: its end is told; wait for what goes on beside."""
    if flow_run.parent_task_run_id is None:
        await end_beside()


async def end_beside() -> None:
    """Wait for what goes on beside."""
    loop = asyncio.get_running_loop()
    while mine := [task for task in _going_on if task.get_loop() is loop]:
        await asyncio.wait(mine)


async def do_if_possible(work: Coroutine[Any, Any, None], failure: str) -> None:
    """Do some work; that it fails is a warning, as of work beside."""
    try:
        await work
    except Exception as error:
        get_run_logger().warning("%s: %s", failure, error)


def _close_beside(place: AbstractAsyncContextManager[Any]) -> None:
    do_beside(_close(place), NOT_REMOVED)


async def _close(place: AbstractAsyncContextManager[Any]) -> None:
    await place.__aexit__(None, None, None)
