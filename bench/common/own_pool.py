"""A work pool of a benchmark's own, with a copy of the deployment release/release."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate

from bench.common.command import HOME
from deployments.warm.worker import WARM, WarmProcessWorker

PREFECT = str(Path(sys.executable).with_name("prefect"))


class OwnPool(NamedTuple):
    """A work pool, and the deployment whose runs its workers take.

    Attributes:
        name: Of the pool and of the deployment.
        deployment: The deployment's id.
    """

    name: str
    deployment: uuid.UUID


@asynccontextmanager
async def own_pool(client: PrefectClient, beginning: str) -> AsyncGenerator[OwnPool]:
    """A pool and a deployment that are gone when the block is left.

    Args:
        client: The Prefect server.
        beginning: What the pool's name begins with.
    """
    name = f"{beginning}-{uuid.uuid4().hex[:6]}"
    template = WarmProcessWorker.get_default_base_job_template()
    await client.create_work_pool(WorkPoolCreate(name=name, type=WARM, base_job_template=template))
    original = await client.read_deployment_by_name("release/release")
    step = {"prefect.deployments.steps.set_working_directory": {"directory": str(HOME)}}
    deployment = await client.create_deployment(
        original.flow_id,
        name,
        work_pool_name=name,
        entrypoint=original.entrypoint,
        pull_steps=[step],
        parameter_openapi_schema=original.parameter_openapi_schema,
    )
    try:
        yield OwnPool(name, deployment)
    finally:
        await client.delete_deployment(deployment)
        await client.delete_work_pool(name)


def start_worker(
    pool: str, name: str, env: Mapping[str, str], log: Path, *options: str
) -> subprocess.Popen[bytes]:
    """Start a worker of a pool, in a session of its own; its output is added to a log."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [PREFECT, "worker", "start", "--pool", pool, "--name", name, *options],
            cwd=HOME,
            env={**env, "PREFECT_WORKER_QUERY_SECONDS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
