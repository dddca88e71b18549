"""A worker of the benchmark's own, so that its end harms nobody else's runs."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from prefect.client.orchestration import PrefectClient

from bench.common.own_pool import OwnPool, own_pool, start_worker
from bench.kills.stages import ReleaseRun


@dataclass
class OwnWorker:
    """A worker, with a work pool and a copy of the deployment release/release.

    Attributes:
        pool: Its pool, whose name is the worker's, too.
        env: The worker's environment.
        log: What it says.
    """

    pool: OwnPool
    env: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start the worker."""
        self.process = start_worker(self.pool.name, self.pool.name, self.env, self.log)

    def start_if_killed(self) -> None:
        """Start the worker anew, if it does not run."""
        if self.process.poll() is not None:
            self.start()

    def kill(self) -> None:
        """Kill -9 of the worker, and of nothing that it has started."""
        self.process.kill()
        self.process.wait()

    async def release(self, client: PrefectClient, app: str, revision: str) -> ReleaseRun:
        """Start a release up to the GitOps commit."""
        parameters = {"app": app, "revision": revision, "until": "commit"}
        run = await client.create_flow_run_from_deployment(
            self.pool.deployment, parameters=parameters
        )
        return ReleaseRun(run.id, app, revision)


@asynccontextmanager
async def own_worker(
    client: PrefectClient, env: Mapping[str, str], log: Path
) -> AsyncGenerator[OwnWorker]:
    """A worker that runs until the block is left; its pool and deployment are gone afterwards."""
    async with own_pool(client, "bench-kills") as pool:
        worker = OwnWorker(pool, env, log)
        try:
            yield worker
        finally:
            worker.kill()
