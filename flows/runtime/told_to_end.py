"""A run that is told to end does so, wherever it is at that moment.

When SIGTERM comes, Prefect raises an exception in the main thread (`capture_sigterm`). Where a
callback of the event loop runs just then, or a task that nobody waits for, asyncio keeps the
exception to itself, and the run would go on. The byte that Python writes to the wakeup descriptor
is not lost.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import Any

_NONE = -1

# Of all runs in this process; they share the one descriptor that there is.
_runs: list[asyncio.Task[Any]] = []
_listening = ExitStack()


@contextmanager
def ended_when_told() -> Generator[None]:
    """Cancel the current task when SIGTERM comes and nothing else ends it.

    Signals reach the main thread alone: in any other one, this does nothing.
    """
    task = asyncio.current_task()
    if task is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    if not _runs:
        _listening.enter_context(_listen(asyncio.get_running_loop()))
    _runs.append(task)
    try:
        yield
    finally:
        _runs.remove(task)
        if not _runs:
            _listening.close()


@contextmanager
def _listen(loop: asyncio.AbstractEventLoop) -> Generator[None]:
    """Have the loop see each signal, beside whoever is woken by them."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)

        def look() -> None:
            signals = ours.recv(4096)
            if before != _NONE:
                os.write(before, signals)
            if signal.SIGTERM in signals:
                _cancel_runs()

        loop.add_reader(ours, look)
        try:
            yield
        finally:
            loop.remove_reader(ours)
            signal.set_wakeup_fd(before)


def _cancel_runs() -> None:
    for task in _runs:
        # One that ends already cleans up undisturbed.
        if not task.cancelling():
            task.cancel()
