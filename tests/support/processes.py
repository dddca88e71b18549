"""The processes of this machine, whatever namespace they are in."""

from __future__ import annotations

from pathlib import Path


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


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""
