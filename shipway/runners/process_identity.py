"""Who started what: so that the next start finds what a killed process left."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

STARTED = 19  # field of /proc/PID/stat after the name: clock ticks since boot


@cache
def owner() -> str:
    """This process, as no other one is called: boot, process namespace, process id, start."""
    return f"{_here()}/{os.getpid()}/{_started('self')}"


def is_gone(name: str) -> bool:
    """Whether an owner on this machine is no more; one elsewhere cannot be seen from here."""
    here, _, process = name.partition("/")
    number, _, started = process.partition("/")
    if here != _here() or not number.isdecimal():
        return False
    return _started(number) != started


def _here() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    namespace = Path("/proc/self/ns/pid").stat().st_ino
    return f"{boot}:{namespace}"


def _started(process: str) -> str:
    try:
        stat = Path(f"/proc/{process}/stat").read_text("utf-8", "replace")
    except OSError:
        return "gone"
    fields = stat.rpartition(")")[2].split()
    # A zombie runs no more, and nobody may ever wait for it.
    return "gone" if fields[0] == "Z" else fields[STARTED]
