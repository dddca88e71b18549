"""Tests in containers on a Docker engine, each shard on a network of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import ClassVar

from docker import DockerClient
from docker.models.containers import Container

from shipway.concurrency import fail_fast_group, shielded
from shipway.errors import FailError
from shipway.runners.container_environment import ContainerEnvironment
from shipway.runners.containers import (
    is_ready,
    make_network,
    owners_of_leftovers,
    remove_leftovers,
    start_sidecars,
)
from shipway.runners.docker_engine import engine_client
from shipway.runners.environment import EnvironmentSpec, Sidecar
from shipway.runners.runner import ImageSource

POLL_SECONDS = 0.1
LAST_LINES = 20


class ContainerRunner:
    """A Docker engine that runs test layers in containers.

    Args:
        connect: Makes a client of the engine.
        address: Of the engine, as errors show it; None for the environment's.
        slots: How many shards may run at once; None for as many as the engine has processors.
        ready_seconds: How long a service may take to be ready.
    """

    images: ClassVar[ImageSource] = "engine"
    services: ClassVar[bool] = True
    block: ClassVar[str | None] = "container-runner"

    def __init__(
        self,
        connect: Callable[[], DockerClient],
        address: str | None,
        slots: int | None,
        ready_seconds: float,
    ) -> None:
        self._connect = connect
        self._address = address
        self._slots = slots
        self._ready_seconds = ready_seconds

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[DockerClient]:
        """A client of the engine.

        Raises:
            RetryError: The engine does not answer.
        """
        async with engine_client(self._connect, self._address) as client:
            yield client

    @asynccontextmanager
    async def environment(self, spec: EnvironmentSpec) -> AsyncGenerator[ContainerEnvironment]:
        """A network with its sidecars, ready; all of it is gone afterwards.

        What `prepare` has made under the same name is taken over.

        Raises:
            RefuseError: An image is not there and cannot be pulled.
            FailError: A sidecar ends or does not get ready; the error holds its last words.
        """
        async with self.client() as client:
            network = await shielded(asyncio.to_thread(make_network, client, spec.run, spec.name))
            try:
                containers = await shielded(
                    asyncio.to_thread(start_sidecars, client, network, spec.run, spec.sidecars)
                )
                async with fail_fast_group() as group:
                    for hostname, container in containers.items():
                        sidecar = spec.sidecars[hostname]
                        group.create_task(self._wait_for(hostname, container, sidecar))
                yield await asyncio.to_thread(ContainerEnvironment, client, network, spec)
            finally:
                await shielded(asyncio.to_thread(remove_leftovers, client, spec.run, network))

    async def prepare(self, spec: EnvironmentSpec) -> None:
        """Make the network and start its sidecars ahead of the time, and wait for nothing.

        `environment` takes them over; without it, `remove` removes them.

        Raises:
            RefuseError: An image is not there and cannot be pulled.
        """
        async with self.client() as client:
            network = await shielded(asyncio.to_thread(make_network, client, spec.run, spec.name))
            await shielded(
                asyncio.to_thread(start_sidecars, client, network, spec.run, spec.sidecars)
            )

    async def owners(self) -> dict[str, set[str]]:
        """The flow runs that containers or networks belong to, and their processes."""
        async with self.client() as client:
            return await asyncio.to_thread(owners_of_leftovers, client)

    async def remove(self, run: str) -> int:
        """Remove every container and network of a flow run; return how many containers."""
        async with self.client() as client:
            return await shielded(asyncio.to_thread(remove_leftovers, client, run))

    async def slots(self) -> int:
        """How many shards may run at once."""
        if self._slots is not None:
            return self._slots
        async with self.client() as client:
            return int((await asyncio.to_thread(client.info))["NCPU"])

    async def _wait_for(self, hostname: str, container: Container, sidecar: Sidecar) -> None:
        """Wait until a sidecar is ready."""
        deadline = time.monotonic() + self._ready_seconds
        while not await asyncio.to_thread(is_ready, container, sidecar.ready):
            if container.status == "exited" or time.monotonic() > deadline:
                log = container.logs(tail=LAST_LINES).decode("utf-8", "replace")
                raise FailError(
                    f"The service {hostname!r} does not get ready.",
                    where=sidecar.image,
                    expected=f"ready within {self._ready_seconds:.0f} s",
                    got=f"{container.status}; its last words:\n{log}",
                    remedy="check its image, env and ready command in pipeline.yaml",
                )
            await asyncio.sleep(POLL_SECONDS)
