from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from shipway.concurrency import fail_fast_group, shielded
from shipway.errors import FailError


async def fail(error: BaseException) -> None:
    raise error


async def in_a_group(*work: Coroutine[Any, Any, object]) -> None:
    async with asyncio.TaskGroup() as group:
        for one in work:
            group.create_task(one)


async def run_together(*work: Coroutine[Any, Any, object]) -> None:
    async with fail_fast_group() as group:
        for one in work:
            group.create_task(one)


async def test_together_waits_for_all_tasks() -> None:
    async def answer(value: int) -> int:
        await asyncio.sleep(0)
        return value

    async with fail_fast_group() as group:
        tasks = [group.create_task(answer(value)) for value in (1, 2)]
    assert [task.result() for task in tasks] == [1, 2]


async def test_the_first_failure_is_raised_itself_and_cancels_the_others() -> None:
    error = FailError("Red.")
    forever = asyncio.Event()
    cancelled: list[str] = []

    async def wait() -> None:
        try:
            await forever.wait()
        except asyncio.CancelledError:
            cancelled.append("sibling")
            raise

    with pytest.raises(FailError) as caught:
        await run_together(wait(), fail(error))
    assert caught.value is error
    assert cancelled == ["sibling"]


async def test_a_failure_in_the_body_is_raised_itself() -> None:
    error = FailError("Red.")
    with pytest.raises(FailError) as caught:
        async with fail_fast_group():
            raise error
    assert caught.value is error


async def test_of_several_failures_the_first_is_raised() -> None:
    with pytest.raises(FailError) as caught:
        await run_together(fail(FailError("First.")), fail(FailError("Second.")))
    assert caught.value.what == "First."


async def test_groups_in_groups_come_down_to_one_error() -> None:
    error = FailError("Red.")
    with pytest.raises(FailError) as caught:
        await run_together(in_a_group(fail(error)))
    assert caught.value is error


async def test_cancelling_from_outside_stays_a_cancellation() -> None:
    started = asyncio.Event()

    async def work() -> None:
        async with fail_fast_group() as group:
            group.create_task(asyncio.Event().wait())
            started.set()

    task = asyncio.create_task(work())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class Cleanup:
    """Work that waits for a signal and notes when it is over."""

    def __init__(self, error: Exception | None = None) -> None:
        self.started, self.go_on, self.error = asyncio.Event(), asyncio.Event(), error
        self.over = False

    async def run(self) -> str:
        self.started.set()
        await self.go_on.wait()
        self.over = True
        if self.error is not None:
            raise self.error
        return "clean"


async def test_to_the_end_returns_the_result() -> None:
    cleanup = Cleanup()
    cleanup.go_on.set()
    assert await shielded(cleanup.run()) == "clean"


@pytest.mark.parametrize("times", [1, 3])
async def test_clean_up_finishes_although_its_task_is_cancelled(times: int) -> None:
    cleanup = Cleanup()
    task = asyncio.create_task(shielded(cleanup.run()))
    await cleanup.started.wait()
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    cleanup.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleanup.over


async def test_clean_up_that_fails_says_so_even_when_cancelled() -> None:
    error = FailError("The network is still there.")
    cleanup = Cleanup(error)
    task = asyncio.create_task(shielded(cleanup.run()))
    await cleanup.started.wait()
    task.cancel()
    await asyncio.sleep(0)
    cleanup.go_on.set()
    with pytest.raises(FailError) as caught:
        await task
    assert caught.value is error


async def test_clean_up_that_is_cancelled_itself_ends_as_cancelled() -> None:
    inner = asyncio.ensure_future(asyncio.Event().wait())
    task = asyncio.create_task(shielded(inner))
    await asyncio.sleep(0)
    inner.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
