"""The script as a run: what a release costs that the worker starts, and that does nothing else.

In parts, it has besides what every release of Shipway has that stops at a red unit test: a task for
the checkout and one for the image, a subflow for the layer with a task for its shard, and a report.
They do nothing but be there; the script is the work of the shard.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from uuid import UUID

from prefect import flow, get_client, task
from prefect.artifacts import acreate_markdown_artifact
from prefect.cache_policies import NO_CACHE

from bench.common.deployed import RELEASE

DEPLOYMENT = "script/script"


@flow(name="script")
async def script(command: list[str], env: dict[str, str], *, in_parts: bool = False) -> None:
    """Run a command; fail where it fails.

    It is asynchronous, as Shipway's flows are: Prefect waits up to a second at the end of others.
    """
    if not in_parts:
        await _run(command, env)
        return
    await _empty.with_options(name="checkout")()
    await _empty.with_options(name="build")()
    try:
        await _layer(command, env)
    finally:
        await acreate_markdown_artifact("It ran.", key="script-report")


@task(cache_policy=NO_CACHE)
async def _empty() -> None:
    """Do nothing."""


@flow(name="script-layer")
async def _layer(command: list[str], env: dict[str, str]) -> None:
    await _shard(command, env)


@task(name="shard", cache_policy=NO_CACHE)
async def _shard(command: list[str], env: dict[str, str]) -> None:
    await _run(command, env)


async def _run(command: list[str], env: dict[str, str]) -> None:
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
