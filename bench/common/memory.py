"""Processes by their command, and what they keep in memory."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

_WARM = b"fork_server.py"


def processes_with(words: bytes) -> list[int]:
    """Those whose command has these words."""
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            # It is over.
            continue
        if words in command:
            found.append(int(folder.name))
    return found


def forks_of(processes: Collection[int]) -> list[int]:
    """What a worker forks its runs from, or runs: those that some processes have started."""
    return [one for one in processes_with(_WARM) if _parent_of(one) in processes]


def _parent_of(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.findall(r"^PPid:\s+(\d+)$", status, re.MULTILINE)[0])


def mebibytes(process: int) -> float:
    """What it keeps in memory, with its part of what it shares (proportional set size)."""
    rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
    return int(re.findall(r"^Pss:\s+(\d+) kB$", rollup, re.MULTILINE)[0]) / 1024
