"""Where releases run: all on one machine, as is measured, or each part on a machine of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping

from bench.production.cpu import PARTS, REST, RUNS, WORKERS
from bench.production.model import Place

HOSTS = "worker hosts"
HOST_CORES = 2
ON_HOSTS = (RUNS, WORKERS)
# Of an API server's process, of the services' and of Redis, one core is all that it can use.
CORES: Mapping[str, int] = {
    "API servers": 2,
    "services": 1,
    "PostgreSQL": 2,
    "Redis": 1,
    "HAProxy": 1,
    "engine": 2,
    "registry": 2,
    "Git server": 2,
}


def one_machine(workers: int, limit: int) -> Place:
    """This machine, whose cores all parts share."""
    parts = (*PARTS, RUNS, WORKERS, REST)
    return Place({"machine": os.cpu_count() or 1}, dict.fromkeys(parts, "machine"), workers, limit)


def apart(workers: int, limit: int) -> Place:
    """A machine for each part and for each worker."""
    cores = {**CORES, HOSTS: HOST_CORES * workers}
    of_part = {part: HOSTS if part in ON_HOSTS else part for part in (*PARTS, *ON_HOSTS)}
    return Place(cores, of_part, workers, limit)
