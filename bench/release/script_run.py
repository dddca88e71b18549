"""The script as a run: what a release costs that the worker starts, and that does nothing else."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from uuid import UUID

from prefect import flow, get_client

from bench.common.deployed import RELEASE

DEPLOYMENT = "script/script"


@flow(name="script")
async def script(command: list[str], env: dict[str, str]) -> None:
    """Run a command; fail where it fails.

    It is asynchronous, as Shipway's flows are: Prefect waits up to a second at the end of others.
    """
    await asyncio.to_thread(
        subprocess.run,
        command,
        env=env,
        check=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )


@contextmanager
def deployed() -> Generator[None]:
    """The flow as a deployment for the worker that runs releases; gone afterwards."""
    deployment = asyncio.run(_deploy())
    try:
        yield
    finally:
        asyncio.run(_remove(deployment))


async def _deploy() -> UUID:
    async with get_client() as client:
        release = await client.read_deployment_by_name(RELEASE)
        return await client.create_deployment(
            await client.create_flow(script),
            DEPLOYMENT.partition("/")[2],
            work_pool_name=release.work_pool_name,
            entrypoint=f"{__name__}.{script.fn.__name__}",
            pull_steps=release.pull_steps,
        )


async def _remove(deployment: UUID) -> None:
    async with get_client() as client:
        await client.delete_deployment(deployment)
