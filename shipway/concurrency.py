"""Work side by side that stands or falls together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

Result = TypeVar("Result")


@asynccontextmanager
async def fail_fast_group() -> AsyncGenerator[asyncio.TaskGroup]:
    """A task group that cancels its tasks on the first failure and raises that failure itself.

    `asyncio.TaskGroup` raises a group; a pipeline that stops at once has one cause to show.
    """
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as errors:
        raise _first(errors) from None


async def shielded(work: Awaitable[Result]) -> Result:
    """Wait for clean-up to finish although the surrounding task is being cancelled."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None and task.exception() is None:
        raise cancelled
    return task.result()


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
