"""Where tests run: containers on a Docker engine, each layer on a network of its own."""

from __future__ import annotations

import asyncio
import io
import tarfile
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from docker import DockerClient
from docker.errors import APIError, ImageNotFound, NotFound
from docker.models.containers import Container
from docker.models.networks import Network
from prefect.blocks.core import Block
from prefect_docker import DockerHost
from pydantic import BaseModel, ConfigDict, Field

from blocks.concurrency import to_the_end, together
from blocks.engine import engine_client
from blocks.errors import Fail, Refuse

RUN_LABEL = "dev.shipway.run"
POLL_SECONDS = 0.1
# What shells and Docker's init return for a program that is not there or no program.
CANNOT_EXECUTE = {126, 127}


class Sidecar(BaseModel):
    """A container beside the tests, reachable by its name."""

    model_config = ConfigDict(frozen=True)

    image: str
    env: dict[str, str]
    ready: list[str] | None


class Ended(BaseModel):
    """How a command in a container ended."""

    model_config = ConfigDict(frozen=True)

    status: int
    last_lines: tuple[str, ...]
    results: bytes | None


class ContainerRunner(Block):
    """A Docker engine that runs test layers in containers."""

    _block_type_name = "Container Runner"
    _block_type_slug = "container-runner"
    _description = "A Docker engine that runs test layers, each on a network of its own."

    engine: DockerHost = Field(
        default_factory=DockerHost, description="The engine; from the environment if left empty."
    )
    ready_seconds: float = Field(
        default=60, gt=0, description="How long a service may take to be ready."
    )

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[DockerClient]:
        """A client of the engine.

        Raises:
            Retry: The engine does not answer.
        """
        async with engine_client(self.engine) as client:
            yield client

    @asynccontextmanager
    async def network(
        self, run: str, name: str, sidecars: Mapping[str, Sidecar]
    ) -> AsyncGenerator[tuple[DockerClient, Network]]:
        """A network with its sidecars, ready; all of it is gone afterwards.

        What `start` has started under the same name is taken over.

        Args:
            run: The flow run that everything is labelled with, so that it can be found again.
            name: A name for people, of this network alone.
            sidecars: Containers to start, by the name they are reachable by.

        Raises:
            Refuse: An image is not there and cannot be pulled.
            Fail: A sidecar ends or does not get ready; the error holds its last words.
        """
        async with self.client() as client:
            network = await to_the_end(asyncio.to_thread(_network, client, run, name))
            try:
                containers = await to_the_end(
                    asyncio.to_thread(_start, client, network, run, sidecars)
                )
                async with together() as group:
                    for hostname, container in containers.items():
                        group.create_task(self._ready(hostname, container, sidecars[hostname]))
                yield client, network
            finally:
                await to_the_end(asyncio.to_thread(remove_leftovers, client, run, network))

    async def start(self, run: str, name: str, sidecars: Mapping[str, Sidecar]) -> None:
        """Start a network's sidecars ahead of the time, and wait for nothing.

        `network` takes them over; without it, `remove_leftovers` removes them.

        Raises:
            Refuse: An image is not there and cannot be pulled.
        """
        async with self.client() as client:
            network = await to_the_end(asyncio.to_thread(_network, client, run, name))
            await to_the_end(asyncio.to_thread(_start, client, network, run, sidecars))

    async def run(
        self,
        client: DockerClient,
        network: Network,
        image: str,
        command: list[str],
        env: Mapping[str, str],
        results: str,
        log: Callable[[str], None],
        run: str,
        budget: float,
    ) -> Ended:
        """Run a command to its end and fetch the file `results` that it wrote.

        Cancelling the call kills the container.

        Args:
            client: From `network`.
            network: From `network`.
            image: Image id or reference.
            command: The command.
            env: Its environment.
            results: Path of a file in the container to fetch afterwards.
            log: Called with each line that the command prints.
            run: The flow run, for the label.
            budget: Seconds after which the command is killed.

        Raises:
            Refuse: The image has no such program.
            Fail: The budget is used up.
        """
        container = await asyncio.to_thread(
            client.containers.create,
            image,
            command,
            entrypoint=[],
            environment=dict(env),
            network=network.name,
            labels={RUN_LABEL: run},
            init=True,
        )
        last = deque[str](maxlen=40)

        def follow() -> int:
            # Attached before the start: to a container that ends at once, an attach may never end.
            output = container.attach(stream=True)
            container.start()
            for line in _lines(output):
                last.append(line)
                log(line)
            return int(container.wait()["StatusCode"])

        try:
            async with asyncio.timeout(budget):
                status = await asyncio.to_thread(follow)
            content = await asyncio.to_thread(_read_file, container, results)
        except TimeoutError as error:
            raise Fail(
                "The time budget is used up.",
                where=" ".join(command),
                expected=f"done within {budget:.0f} s",
                got="\n".join(last),
                remedy="make the tests quicker, or raise the layer's budget in pipeline.yaml",
            ) from error
        except APIError as error:
            raise _no_such_program(command, str(error.explanation or error)) from error
        finally:
            await to_the_end(asyncio.to_thread(_remove, container))
        if status in CANNOT_EXECUTE and content is None:
            raise _no_such_program(command, "\n".join(last))
        return Ended(status=status, last_lines=tuple(last), results=content)

    async def _ready(self, hostname: str, container: Container, sidecar: Sidecar) -> None:
        deadline = time.monotonic() + self.ready_seconds
        while not await asyncio.to_thread(_is_ready, container, sidecar.ready):
            if container.status == "exited" or time.monotonic() > deadline:
                words = container.logs(tail=20).decode("utf-8", "replace")
                raise Fail(
                    f"The service {hostname!r} does not get ready.",
                    where=sidecar.image,
                    expected=f"ready within {self.ready_seconds:.0f} s",
                    got=f"{container.status}; its last words:\n{words}",
                    remedy="check its image, env and ready command in pipeline.yaml",
                )
            await asyncio.sleep(POLL_SECONDS)


def runs_with_leftovers(client: DockerClient) -> set[str]:
    """The flow runs that containers or networks on this engine are labelled with."""
    containers = client.containers.list(all=True, filters={"label": RUN_LABEL})
    networks = client.networks.list(filters={"label": RUN_LABEL})
    labels = [one.labels for one in containers]
    labels += [one.attrs.get("Labels") or {} for one in networks]
    return {found[RUN_LABEL] for found in labels}


def remove_leftovers(client: DockerClient, run: str, network: Network | None = None) -> int:
    """Remove every container of a flow run, and its network or networks; return how many."""
    label: dict[str, str | list[str] | bool] = {"label": f"{RUN_LABEL}={run}"}
    if network is None:
        containers = client.containers.list(all=True, filters=label)
        networks = client.networks.list(filters=label)
    else:
        network.reload()
        containers = network.containers
        stopped = client.containers.list(all=True, filters={**label, "network": str(network.name)})
        containers = {one.id: one for one in [*containers, *stopped]}.values()
        networks = [network]
    count = 0
    for container in containers:
        _remove(container)
        count += 1
    for one in networks:
        try:
            one.remove()
        except NotFound:
            continue
    return count


def _network(client: DockerClient, run: str, name: str) -> Network:
    label: dict[str, str | list[str] | bool] = {"label": f"{RUN_LABEL}={run}"}
    for network in client.networks.list(filters=label):
        if network.name == f"shipway-{name}":
            return network
    return client.networks.create(f"shipway-{name}", labels={RUN_LABEL: run})


def _start(
    client: DockerClient, network: Network, run: str, sidecars: Mapping[str, Sidecar]
) -> dict[str, Container]:
    """The containers of the sidecars, those that are missing created and started."""
    containers: dict[str, Container] = {}
    for hostname, sidecar in sidecars.items():
        try:
            containers[hostname] = client.containers.get(f"{network.name}-{hostname}")
        except NotFound:
            containers[hostname] = _create(client, network, hostname, sidecar, run)
            containers[hostname].start()
    return containers


def _create(
    client: DockerClient, network: Network, hostname: str, sidecar: Sidecar, run: str
) -> Container:
    arguments: dict[str, Any] = {
        "name": f"{network.name}-{hostname}",
        "environment": sidecar.env,
        "labels": {RUN_LABEL: run},
        "network": network.name,
        "networking_config": {network.name: client.api.create_endpoint_config(aliases=[hostname])},
    }
    try:
        return client.containers.create(sidecar.image, **arguments)
    except ImageNotFound:
        try:
            client.images.pull(sidecar.image)
        except APIError as error:
            raise Refuse(
                f"The image of the service {hostname!r} cannot be pulled.",
                where=sidecar.image,
                got=str(error.explanation or error),
                remedy="check its name in pipeline.yaml, and that the engine may pull it",
            ) from error
        return client.containers.create(sidecar.image, **arguments)


def _is_ready(container: Container, command: list[str] | None) -> bool:
    container.reload()
    if container.status != "running":
        return False
    if command is not None:
        try:
            return container.exec_run(command).exit_code == 0
        except APIError as error:
            # It ended between the two questions; the next look says so.
            if error.status_code == HTTPStatus.CONFLICT:
                return False
            raise
    health = container.attrs["State"].get("Health")
    return health is None or health["Status"] == "healthy"


def _no_such_program(command: list[str], words: str) -> Refuse:
    return Refuse(
        "The test command cannot start.",
        where=" ".join(command),
        expected="a program that the test image has",
        got=words,
        remedy="check the layer's command and tests.target in pipeline.yaml",
    )


def _lines(chunks: Any) -> Any:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace").rstrip("\r")
    if rest:
        yield rest.decode("utf-8", "replace")


def _read_file(container: Container, path: str) -> bytes | None:
    try:
        stream, _ = container.get_archive(path)
    except NotFound:
        return None
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
        members = archive.getmembers()
        file = archive.extractfile(members[0]) if members else None
        return file.read() if file else None


def _remove(container: Container) -> None:
    try:
        container.remove(force=True, v=True)
    except NotFound:
        return
    except APIError as error:
        # Two removals of one container: the engine is already at it.
        if error.status_code != HTTPStatus.CONFLICT:
            raise
