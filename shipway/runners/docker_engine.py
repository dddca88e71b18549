"""The Docker engine that images are built and tests run on; it may go away at any moment."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from docker import DockerClient
from docker.errors import DockerException
from requests.exceptions import ConnectionError as ConnectionLostError

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
        RetryError: The engine does not answer, or goes away while the client is used.
    """
    try:
        client = await asyncio.to_thread(connect)
    except DockerException as error:
        raise RetryError(
            "The Docker engine does not answer.",
            where=_where(address),
            got=str(error),
            remedy="start it, or set another engine in its block in the Prefect UI",
        ) from error
    try:
        yield client
    except ConnectionLostError as error:
        raise engine_lost(address, str(error)) from error
    finally:
        await asyncio.to_thread(client.close)


def engine_lost(address: str | None, words: str) -> RetryError:
    """What is raised where the engine goes away: no verdict on what ran there."""
    return RetryError(
        "The Docker engine went away.",
        where=_where(address),
        got=words,
        untouched="the ops repository and the cluster",
        remedy="see whether it runs and why it ended, then release again: what was green does not "
        "run again",
    )


def _where(address: str | None) -> str:
    return address or os.environ.get("DOCKER_HOST", "the default socket")
