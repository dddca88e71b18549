"""CPU seconds of the parts of a sandbox and of workers, as the kernel counts them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

# Each part, and the sandbox's processes that do its work. Orphans of containers are the machine's.
PARTS: Mapping[str, Sequence[str]] = {
    "API servers": ("prefect-api-1", "prefect-api-2"),
    "services": ("prefect-services",),
    "PostgreSQL": ("postgres",),
    "Redis": ("redis",),
    "HAProxy": ("haproxy",),
    "engine": ("dockerd", "machine"),
    "registry": ("docker-registry",),
    "Git server": ("git-server",),
}
RUNS, WORKERS, REST = "runs", "workers", "rest of the machine"
_TICKS = os.sysconf("SC_CLK_TCK")


class _Process(NamedTuple):
    """A process: its parent, and the seconds of itself and of the children that it outlived."""

    parent: int
    own: float
    waited: float


def cpu_seconds(workers: Iterable[int]) -> dict[str, float]:
    """The CPU seconds that each part has taken so far.

    A part's processes count with all that they started, living or dead. What a fork of a worker's
    parent process does is a run's.

    Args:
        workers: The processes of the workers.
    """
    processes = dict(_processes())
    seconds = {
        part: sum(
            sum(processes[one][1:])
            for name in names
            if is_part(name)
            for one in _tree(processes, process_of(name))
        )
        for part, names in PARTS.items()
    }
    seconds |= {WORKERS: 0.0, RUNS: 0.0}
    for worker in workers:
        parents = [pid for pid, process in processes.items() if process.parent == worker]
        whole = sum(sum(processes[one][1:]) for one in _tree(processes, worker))
        own = sum(processes[worker][1:]) + sum(processes[parent].own for parent in parents)
        seconds[WORKERS] += own
        seconds[RUNS] += whole - own
    return {**seconds, REST: _machine() - sum(seconds.values())}


def process_of(part: str) -> int:
    """The process of a part of the sandbox."""
    return int(json.loads(_file(part).read_text())["pid"])


def is_part(name: str) -> bool:
    """Whether the sandbox has started a part, and does not use one that was there."""
    return _file(name).exists()


def _file(part: str) -> Path:
    return Path(os.environ["SHIPWAY_STATE"], "run", part)


def _tree(processes: Mapping[int, _Process], root: int) -> list[int]:
    """A process, and all that it started and that still lives."""
    if root not in processes:
        return []
    children = [pid for pid, process in processes.items() if process.parent == root]
    return [root, *(one for child in children for one in _tree(processes, child))]


def _processes() -> Iterable[tuple[int, _Process]]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            # It is over.
            continue
        user, system, waited_user, waited_system = (int(field) / _TICKS for field in fields[11:15])
        yield int(folder.name), _Process(int(fields[1]), user + system, waited_user + waited_system)


def _machine() -> float:
    user, nice, system, _idle, _waiting, *interrupts = (
        int(field) / _TICKS for field in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]
    )
    return user + nice + system + sum(interrupts)
