"""Who started what: so that the next start finds what a killed process left."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

# Field of /proc/PID/stat after the name: clock ticks since boot.
STARTED_FIELD = 19
GONE = "gone"


def this_process() -> str:
    """This process, as no other one is called: boot, process namespace, process id, start."""
    return _identity(os.getpid())


def is_gone(process: str) -> bool:
    """Whether a process of this machine is no more; one elsewhere cannot be seen from here.

    Args:
        process: As `this_process` gave it there.
    """
    machine, _, rest = process.partition("/")
    number, _, started = rest.partition("/")
    if machine != _machine() or not number.isdecimal():
        return False
    return _started(number) != started


@cache
def _identity(number: int) -> str:
    # By the number: a forked process finds what its parent has kept.
    return f"{_machine()}/{number}/{_started('self')}"


def _machine() -> str:
    """This boot of this machine, and the namespace that process ids count in."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    namespace = Path("/proc/self/ns/pid").stat().st_ino
    return f"{boot}:{namespace}"


def _started(number: str) -> str:
    """When a process id of this machine was started, or that it runs no more."""
    try:
        stat = Path(f"/proc/{number}/stat").read_text("utf-8", "replace")
    except OSError:
        return GONE
    fields = stat.rpartition(")")[2].split()
    # A zombie runs no more, and nobody may ever wait for it.
    return GONE if fields[0] == "Z" else fields[STARTED_FIELD]
