"""The Docker engine that images are built and tests run on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from docker import DockerClient
from docker.errors import DockerException
from prefect_docker import DockerHost

from blocks.errors import Retry


@asynccontextmanager
async def engine_client(engine: DockerHost) -> AsyncGenerator[DockerClient]:
    """A client of the engine, closed afterwards.

    Raises:
        Retry: The engine does not answer.
    """
    try:
        client = await asyncio.to_thread(engine.get_client)
    except DockerException as error:
        raise Retry(
            "The Docker engine does not answer.",
            where=engine.base_url or os.environ.get("DOCKER_HOST", "the default socket"),
            got=str(error),
            remedy="start it, or set another engine in its block in the Prefect UI",
        ) from error
    try:
        yield client
    finally:
        await asyncio.to_thread(client.close)
