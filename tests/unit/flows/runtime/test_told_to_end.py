from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Iterator

import pytest
from prefect.exceptions import TerminationSignal
from prefect.utilities.engine import capture_sigterm

from flows.runtime.told_to_end import ended_when_told

LONG = 20


@pytest.fixture(autouse=True)
def prefect() -> Iterator[None]:
    """Prefect's own handler of the signal, as in a run."""
    with capture_sigterm():
        yield
    assert signal.set_wakeup_fd(-1) == -1


def told() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


async def told_in_a_task() -> None:
    told()


async def run_while(begin: Callable[[], object]) -> None:
    with ended_when_told():
        begin()
        await asyncio.sleep(LONG)
        pytest.fail("it went on")


async def test_a_run_ends_though_a_callback_was_told() -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)
    with pytest.raises(asyncio.CancelledError):
        await run_while(lambda: loop.call_soon(told))


async def test_a_run_ends_though_a_task_was_told_that_nobody_waits_for() -> None:
    tasks: list[asyncio.Task[None]] = []
    with pytest.raises(asyncio.CancelledError):
        await run_while(lambda: tasks.append(asyncio.create_task(told_in_a_task())))
    assert isinstance(tasks[0].exception(), TerminationSignal)


async def test_of_two_runs_at_once_the_first_may_end_first_and_the_other_is_told() -> None:
    async def short() -> None:
        with ended_when_told():
            await asyncio.sleep(0.05)

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)
    first = asyncio.create_task(short())
    await asyncio.sleep(0)
    second = asyncio.create_task(run_while(lambda: loop.call_later(0.2, told)))
    await first
    with pytest.raises(asyncio.CancelledError):
        await second


async def test_all_runs_of_a_process_are_told() -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)
    runs = [asyncio.create_task(run_while(lambda: None)) for _ in range(3)]
    loop.call_later(0.05, told)
    ended = await asyncio.gather(*runs, return_exceptions=True)
    assert [type(one) for one in ended] == [asyncio.CancelledError] * 3


async def test_a_run_that_was_told_itself_cleans_up_undisturbed() -> None:
    with pytest.raises(TerminationSignal):
        await run_while(told)
    await asyncio.sleep(0.01)


async def test_a_run_that_is_being_cancelled_is_not_cancelled_once_more() -> None:
    cleaned_up = False

    async def run() -> None:
        nonlocal cleaned_up
        with ended_when_told():
            try:
                await asyncio.sleep(LONG)
            finally:
                asyncio.get_running_loop().call_soon(told)
                await asyncio.sleep(0.05)
                cleaned_up = True

    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    task = asyncio.create_task(run())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned_up


async def test_whoever_is_woken_by_signals_otherwise_still_is() -> None:
    ours, theirs = socket.socketpair()
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        signal.set_wakeup_fd(theirs.fileno())
        with ended_when_told():
            signal.raise_signal(signal.SIGUSR1)
            await asyncio.sleep(0.05)
        assert signal.SIGUSR1 in ours.recv(16)
        assert signal.set_wakeup_fd(-1) == theirs.fileno()
    signal.signal(signal.SIGUSR1, before)


async def test_outside_of_the_main_thread_nothing_is_changed() -> None:
    async def run() -> str:
        with ended_when_told():
            return "done"

    assert await asyncio.to_thread(asyncio.run, run()) == "done"
