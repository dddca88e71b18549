"""The processes of this machine, whatever namespace they are in."""

from __future__ import annotations

import json
import os
from pathlib import Path


def process_of_part(part: str) -> int:
    """The process of a part of the sandbox, such as its Prefect server."""
    known = Path(os.environ["SHIPWAY_STATE"], "run", part).read_text()
    return int(json.loads(known)["pid"])


def processes_with(mark: str) -> dict[int, bytes]:
    """The command line of each process that has `mark` in its environment, by its id."""
    return {
        int(entry.name): line
        for entry in Path("/proc").glob("[0-9]*")
        if mark.encode() in _read(entry / "environ") and (line := _read(entry / "cmdline"))
    }


def processes_of(*command: str) -> list[int]:
    """The processes whose command line begins with these words."""
    begin = b"".join(word.encode() + b"\0" for word in command)
    entries = Path("/proc").glob("[0-9]*")
    return [int(entry.name) for entry in entries if _read(entry / "cmdline").startswith(begin)]


def is_alive(process: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has waited for does not."""
    fields = _stat(process)
    return bool(fields) and fields[0] != "Z"


def parent_of(process: int) -> int:
    """The process that has started another one."""
    return int(_stat(process)[1])


def _stat(process: int) -> list[str]:
    """The fields of its /proc/PID/stat behind the name: state, parent, and so on."""
    return _read(Path(f"/proc/{process}/stat")).decode(errors="replace").rpartition(")")[2].split()


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""
