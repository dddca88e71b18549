"""Locks between the processes and threads of one machine."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from shipway.errors import RefuseError, RetryError

_POLL_SECONDS = 0.05


@contextmanager
def locked(file: Path, timeout_seconds: float, *, shared: bool = False) -> Generator[None]:
    """Hold the lock of a file; it ends with the process that holds it, however that ends.

    Args:
        file: The file; made if it is not there, and left.
        timeout_seconds: How long to wait for the others who hold it.
        shared: Whether others may hold it too, if they share it.

    Raises:
        RetryError: It was not free in time.
        RefuseError: The file belongs to somebody else.
    """
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except PermissionError as error:
        raise not_ours(file) from error
    try:
        _acquire(descriptor, file, timeout_seconds, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def not_ours(path: Path) -> RefuseError:
    """The error where Shipway's own cache cannot be written."""
    return RefuseError(
        "The Git cache belongs to another user of this machine.",
        where=str(path),
        expected="files that the worker's user may write",
        untouched="everything",
        remedy="delete its folder, or set SHIPWAY_STATE to a folder of the worker's own",
    )


def _acquire(descriptor: int, file: Path, timeout_seconds: float, mode: int) -> None:
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise RetryError(
                    "Another run on this machine does not let go of the Git cache.",
                    where=str(file),
                    expected=f"a lock that is free within {timeout_seconds:g} s",
                ) from error
            time.sleep(_POLL_SECONDS)
        else:
            return
