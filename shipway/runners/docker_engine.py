"""The Docker engine that images are built and tests run on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from docker import DockerClient
from docker.errors import DockerException

from shipway.errors import RetryError


@asynccontextmanager
async def engine_client(
    connect: Callable[[], DockerClient], address: str | None
) -> AsyncGenerator[DockerClient]:
    """A client of the engine, closed afterwards.

    Args:
        connect: Makes the client.
        address: Of the engine, as errors show it; None for the environment's.

    Raises:
        RetryError: The engine does not answer.
    """
    try:
        client = await asyncio.to_thread(connect)
    except DockerException as error:
        raise RetryError(
            "The Docker engine does not answer.",
            where=address or os.environ.get("DOCKER_HOST", "the default socket"),
            got=str(error),
            remedy="start it, or set another engine in its block in the Prefect UI",
        ) from error
    try:
        yield client
    finally:
        await asyncio.to_thread(client.close)
