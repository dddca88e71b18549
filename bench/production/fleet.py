"""Workers beside each other, each with a state folder of its own, as on a machine of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from prefect.client.orchestration import PrefectClient
from prefect.settings import PREFECT_API_URL

from bench.common.own_pool import OwnPool, own_pool, start_worker


class Fleet(NamedTuple):
    """Workers of one pool."""

    pool: OwnPool
    workers: Sequence[subprocess.Popen[bytes]]

    @property
    def processes(self) -> list[int]:
        """The process of each worker."""
        return [worker.pid for worker in self.workers]


@asynccontextmanager
async def fleet(
    client: PrefectClient, folder: Path, count: int, limit: int
) -> AsyncGenerator[Fleet]:
    """So many workers, until the block is left.

    Args:
        client: The Prefect server.
        folder: Where they keep what they keep.
        count: How many.
        limit: How many runs each has at once.
    """
    async with own_pool(client, "bench-production") as pool:
        workers: list[subprocess.Popen[bytes]] = []
        try:
            for number in range(count):
                name = f"{pool.name}-{number}"
                own = {
                    "SHIPWAY_STATE": str(folder / name),
                    "PREFECT_API_URL": PREFECT_API_URL.value(),
                }
                log = folder / f"{name}.log"
                env = {**os.environ, **own}
                workers.append(start_worker(pool.name, name, env, log, "--limit", str(limit)))
            yield Fleet(pool, workers)
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
