"""The processes of a run, as the kernel lists them."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from uuid import UUID

_PARENT, _SESSION = 1, 3


def kill(process: int) -> None:
    """Kill -9 of a process, and of no other one of its group."""
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def warm_parent_of(process: int) -> int | None:
    """The fork server that a run was forked from; None where the run's process is over.

    Raises:
        RuntimeError: Something else has started it.
    """
    fields = _stat(process)
    if not fields:
        return None
    parent = int(fields[_PARENT])
    command = _read(Path(f"/proc/{parent}/cmdline")).decode(errors="replace")
    if "fork_server.py" not in command:
        raise RuntimeError(f"{process} was not forked by a fork server, but by {parent}: {command}")
    return parent


def is_alive(process: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has waited for does not."""
    return bool(_stat(process))


def processes_of(run: UUID, leader: int, folder: Path) -> set[int]:
    """The processes of a flow run: its session, whatever knows its id, and git in its folders.

    Args:
        run: The flow run.
        leader: Its own process, which leads a session.
        folder: Where nothing but the app's runs works.
    """
    mark = f"PREFECT__FLOW_RUN_ID={run}".encode()
    found: set[int] = set()
    for entry in Path("/proc").glob("[0-9]*"):
        process = int(entry.name)
        fields = _stat(process)
        if fields and (
            int(fields[_SESSION]) == leader
            or mark in _read(entry / "environ")
            or _works_in(entry, folder)
        ):
            found.add(process)
    return found


def _works_in(entry: Path, folder: Path) -> bool:
    try:
        return (entry / "cwd").readlink().is_relative_to(folder)
    except OSError:
        return False


def _stat(process: int) -> list[str]:
    """The fields of its /proc/PID/stat behind the name; none where it runs no more."""
    text = _read(Path(f"/proc/{process}/stat")).decode(errors="replace")
    fields = text.rpartition(")")[2].split()
    return [] if fields[:1] == ["Z"] else fields


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""
