"""Where tests run by default: containers on a Docker engine, each shard on a network of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from docker import DockerClient
from docker.models.containers import Container
from prefect.blocks.core import Block
from prefect_docker import DockerHost
from pydantic import Field

from blocks import documentation, logo
from shipway.concurrency import fail_fast_group, shielded
from shipway.errors import FailError
from shipway.runners.containers import (
    ContainerEnvironment,
    Sidecar,
    content_of,
    environment_of,
    is_ready,
    make_network,
    owners_of_leftovers,
    remove_leftovers,
    start_sidecars,
)
from shipway.runners.docker_engine import engine_client

POLL_SECONDS = 0.1


class ContainerRunner(Block):
    """A Docker engine that runs test layers in containers."""

    _block_type_name = "Container Runner"
    _block_type_slug = "container-runner"
    _description = "A Docker engine that runs test layers, each shard on a network of its own."
    _logo_url = logo("docker")
    _documentation_url = documentation("container-runner")

    engine: DockerHost = Field(
        default_factory=DockerHost, description="The engine; from the environment if left empty."
    )
    slots: int | None = Field(
        default=None,
        ge=1,
        description="How many shards may run at once; the engine's processors if left empty.",
    )
    ready_seconds: float = Field(
        default=60, gt=0, description="How long a service may take to be ready."
    )

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[DockerClient]:
        """A client of the engine.

        Raises:
            RetryError: The engine does not answer.
        """
        async with engine_client(self.engine.get_client, self.engine.base_url) as client:
            yield client

    @asynccontextmanager
    async def place(
        self,
        run: str,
        name: str,
        image: str,
        env: Mapping[str, str],
        sidecars: Mapping[str, Sidecar],
    ) -> AsyncGenerator[ContainerEnvironment]:
        """A network with its sidecars, ready; all of it is gone afterwards.

        What `start` has started under the same name is taken over.

        Args:
            run: The flow run that everything is labelled with, so that it can be found again.
            name: A name for people, of this network alone.
            image: Local id of the image that commands run in.
            env: Their environment.
            sidecars: Containers to start, by the name they are reachable by.

        Raises:
            RefuseError: An image is not there and cannot be pulled.
            FailError: A sidecar ends or does not get ready; the error holds its last words.
        """
        async with self.client() as client:
            network = await shielded(asyncio.to_thread(make_network, client, run, name))
            try:
                containers = await shielded(
                    asyncio.to_thread(start_sidecars, client, network, run, sidecars)
                )
                async with fail_fast_group() as group:
                    for hostname, container in containers.items():
                        group.create_task(self._ready(hostname, container, sidecars[hostname]))
                yield await asyncio.to_thread(
                    ContainerEnvironment, client, network, image, run, env
                )
            finally:
                await shielded(asyncio.to_thread(remove_leftovers, client, run, network))

    async def start(self, run: str, name: str, sidecars: Mapping[str, Sidecar]) -> None:
        """Start a network's sidecars ahead of the time, and wait for nothing.

        `place` takes them over; without it, `remove_leftovers` removes them.

        Raises:
            RefuseError: An image is not there and cannot be pulled.
        """
        async with self.client() as client:
            network = await shielded(asyncio.to_thread(make_network, client, run, name))
            await shielded(asyncio.to_thread(start_sidecars, client, network, run, sidecars))

    async def owners(self) -> dict[str, set[str]]:
        """The flow runs that containers or networks belong to, and their processes."""
        async with self.client() as client:
            return await asyncio.to_thread(owners_of_leftovers, client)

    async def remove(self, run: str) -> int:
        """Remove every container and network of a flow run; return how many containers."""
        async with self.client() as client:
            return await shielded(asyncio.to_thread(remove_leftovers, client, run))

    async def capacity(self) -> int:
        """How many shards may run at once."""
        if self.slots is not None:
            return self.slots
        async with self.client() as client:
            return int((await asyncio.to_thread(client.info))["NCPU"])

    async def contents(self, images: list[str]) -> list[str]:
        """Hashes of what is in images, without what differs between two builds of the same files.

        Raises:
            RefuseError: An image is not there and cannot be pulled.
        """
        async with self.client() as client:
            return [await asyncio.to_thread(content_of, client, image) for image in images]

    async def environment(self, image: str) -> dict[str, str]:
        """The environment that a local image brings."""
        async with self.client() as client:
            return await asyncio.to_thread(environment_of, client, image)

    async def _ready(self, hostname: str, container: Container, sidecar: Sidecar) -> None:
        deadline = time.monotonic() + self.ready_seconds
        while not await asyncio.to_thread(is_ready, container, sidecar.ready):
            if container.status == "exited" or time.monotonic() > deadline:
                words = container.logs(tail=20).decode("utf-8", "replace")
                raise FailError(
                    f"The service {hostname!r} does not get ready.",
                    where=sidecar.image,
                    expected=f"ready within {self.ready_seconds:.0f} s",
                    got=f"{container.status}; its last words:\n{words}",
                    remedy="check its image, env and ready command in pipeline.yaml",
                )
            await asyncio.sleep(POLL_SECONDS)
