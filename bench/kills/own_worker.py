"""A worker of the benchmark's own, so that its end harms nobody else's runs."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate

from bench.common.command import HOME
from bench.kills.stages import ReleaseRun
from deployments.warm.worker import WARM, WarmProcessWorker

PREFECT = str(Path(sys.executable).with_name("prefect"))


@dataclass
class OwnWorker:
    """A worker, with a work pool and a copy of the deployment release/release.

    Attributes:
        pool: Name of the pool, of the worker and of the deployment.
        deployment: The deployment's id.
        env: The worker's environment.
        log: What it says.
    """

    pool: str
    deployment: uuid.UUID
    env: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start the worker."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [PREFECT, "worker", "start", "--pool", self.pool, "--name", self.pool],
                cwd=HOME,
                env={**self.env, "PREFECT_WORKER_QUERY_SECONDS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

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
        run = await client.create_flow_run_from_deployment(self.deployment, parameters=parameters)
        return ReleaseRun(run.id, app, revision)


@asynccontextmanager
async def own_worker(
    client: PrefectClient, env: Mapping[str, str], log: Path
) -> AsyncGenerator[OwnWorker]:
    """A worker that runs until the block is left; its pool and deployment are gone afterwards."""
    pool = f"bench-kills-{uuid.uuid4().hex[:6]}"
    template = WarmProcessWorker.get_default_base_job_template()
    await client.create_work_pool(WorkPoolCreate(name=pool, type=WARM, base_job_template=template))
    original = await client.read_deployment_by_name("release/release")
    step = {"prefect.deployments.steps.set_working_directory": {"directory": str(HOME)}}
    deployment = await client.create_deployment(
        original.flow_id,
        pool,
        work_pool_name=pool,
        entrypoint=original.entrypoint,
        pull_steps=[step],
        parameter_openapi_schema=original.parameter_openapi_schema,
    )
    worker = OwnWorker(pool, deployment, env, log)
    try:
        yield worker
    finally:
        worker.kill()
        await client.delete_deployment(deployment)
        await client.delete_work_pool(pool)
