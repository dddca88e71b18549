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
from collections.abc import Generator
from contextlib import contextmanager

_NONE = -1


@contextmanager
def ended_when_told() -> Generator[None]:
    """Cancel the current task when SIGTERM comes and nothing else ends it.

    Signals reach the main thread alone: in any other one, this does nothing.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        try:
            before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        except ValueError:
            yield
            return

        def look() -> None:
            signals = ours.recv(4096)
            if before != _NONE:
                os.write(before, signals)
            if signal.SIGTERM in signals and task is not None and not task.cancelling():
                task.cancel()

        loop.add_reader(ours, look)
        try:
            yield
        finally:
            loop.remove_reader(ours)
            signal.set_wakeup_fd(before)
