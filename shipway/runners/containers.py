"""Containers and networks on a Docker engine, labelled so that nobody's are lost."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import posixpath
import tarfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http import HTTPStatus

from docker import DockerClient
from docker.errors import APIError, ImageNotFound, NotFound
from docker.models.containers import Container
from docker.models.images import Image
from docker.models.networks import Network
from pydantic import BaseModel, ConfigDict
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from shipway.concurrency import shielded
from shipway.errors import RefuseError
from shipway.runners.environment import Output
from shipway.runners.process import no_such_program
from shipway.runners.process_identity import owner
from shipway.test_tools.lines import LONGEST
from shipway.test_tools.tool import Ended, Invocation

RUN_LABEL = "dev.shipway.run"
OWNER_LABEL = "dev.shipway.owner"
FOLDER = "shipway"
MOST_WORDS = 4096
_PAUSE_SECONDS = 0.2
_PATIENCE_SECONDS = 20
# What shells and Docker's init return for a program that is not there or no program.
CANNOT_EXECUTE = {126, 127}
# What of an image's configuration changes what runs in it; labels and dates do not.
CONTENT = ("Env", "Cmd", "Entrypoint", "User", "WorkingDir", "Healthcheck")


class Sidecar(BaseModel):
    """A container beside the tests, reachable by its name."""

    model_config = ConfigDict(frozen=True)

    image: str
    env: dict[str, str]
    ready: list[str] | None


class ContainerEnvironment:
    """Containers of one image, one an invocation, on a network with the shard's services.

    Args:
        client: The engine.
        network: The shard's network.
        image: The test image.
        run: The flow run, for the label.
        env: The layer's environment.
    """

    folder = f"/{FOLDER}"

    def __init__(
        self, client: DockerClient, network: Network, image: str, run: str, env: Mapping[str, str]
    ) -> None:
        self._client = client
        self._network = network
        self._image = image
        self._run = run
        self._own = dict(env)
        self.env = {**environment_of(client, image), **env}

    async def run(self, invocation: Invocation, output: Output) -> Ended:
        """Run a command in a new container; it is gone when the call ends, however it does.

        Raises:
            RefuseError: The image has no such program.
        """
        container = await shielded(asyncio.to_thread(self._create, invocation))
        said = b""

        def heard(chunk: bytes) -> None:
            nonlocal said
            said = (said + chunk)[-MOST_WORDS:]
            output(chunk)

        try:
            # A thread of its own: it is busy for as long as the command runs, and the loop's few
            # threads are needed to end it.
            follower = ThreadPoolExecutor(1, "shipway-follow")
            loop = asyncio.get_running_loop()
            following = loop.run_in_executor(follower, _follow, container, heard)
            follower.shutdown(wait=False)
            status = await following
            content = await asyncio.to_thread(_read_file, container, invocation.results)
        except APIError as error:
            words = str(error.explanation or error)
            raise no_such_program(invocation.command, words) from error
        finally:
            await shielded(asyncio.to_thread(_remove, container))
        if status in CANNOT_EXECUTE and content is None:
            raise no_such_program(invocation.command, said.decode("utf-8", "replace"))
        return Ended(status=status, results=content)

    def _create(self, invocation: Invocation) -> Container:
        container = self._client.containers.create(
            self._image,
            invocation.command,
            entrypoint=[],
            environment={**self._own, **invocation.env},
            network=self._network.name,
            labels=labels(self._run),
            init=True,
        )
        container.put_archive("/", _archive(invocation.files))
        return container


def labels(run: str) -> dict[str, str]:
    """What everything on the engine is labelled with: the flow run, and the process."""
    return {RUN_LABEL: run, OWNER_LABEL: owner()}


def owners_of_leftovers(client: DockerClient) -> dict[str, set[str]]:
    """The flow runs that containers or networks on this engine belong to, and their processes."""
    containers = _list(client, {"label": RUN_LABEL})
    networks = client.networks.list(filters={"label": RUN_LABEL})
    owners: dict[str, set[str]] = {}
    for one in [*containers, *networks]:
        found = one.attrs.get("Labels") or {}
        owners.setdefault(found[RUN_LABEL], set()).add(found.get(OWNER_LABEL, ""))
    return owners


def remove_leftovers(client: DockerClient, run: str, network: Network | None = None) -> int:
    """Remove every container of a flow run, and its network or networks; return how many."""
    if network is None:
        label = f"{RUN_LABEL}={run}"
        containers = _list(client, {"label": label})
        networks = client.networks.list(filters={"label": label})
    else:
        # Whoever joined it, too: a network goes only when nobody is left on it.
        containers, networks = _list(client, {"network": str(network.name)}), [network]
    count = 0
    for container in containers:
        _remove(container)
        count += 1
    for one in networks:
        _remove_network(one)
    return count


def _list(client: DockerClient, filters: Mapping[str, str]) -> list[Container]:
    """Running and other containers, as the engine lists them.

    Not looked at one by one: another run may remove its own between the list and the look.
    """
    return client.containers.list(all=True, sparse=True, filters=dict(filters))


def content_of(client: DockerClient, image: str) -> str:
    """A hash of what is in a local image: its layers and how it runs, without labels and dates.

    Two builds of the same files differ in their id alone, since labels name the revision.

    Raises:
        RefuseError: The image is not there and cannot be pulled.
    """
    attributes = _pulled(client, image).attrs
    config = attributes["Config"]
    facts = [attributes["RootFS"]["Layers"], {name: config.get(name) for name in CONTENT}]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def environment_of(client: DockerClient, image: str) -> dict[str, str]:
    """The environment that a local image brings."""
    entries: list[str] = client.images.get(image).attrs["Config"].get("Env") or []
    return dict(entry.split("=", 1) for entry in entries)


def make_network(client: DockerClient, run: str, name: str) -> Network:
    """A network of this name for a run: the one that is there, or a new one."""
    label: dict[str, str | list[str] | bool] = {"label": f"{RUN_LABEL}={run}"}
    for network in client.networks.list(filters=label):
        if network.name == f"shipway-{name}":
            return network
    return client.networks.create(f"shipway-{name}", labels=labels(run))


def start_sidecars(
    client: DockerClient, network: Network, run: str, sidecars: Mapping[str, Sidecar]
) -> dict[str, Container]:
    """The containers of the sidecars; those that are missing are created and started.

    Raises:
        RefuseError: An image is not there and cannot be pulled.
    """
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
    return client.containers.create(
        _pulled(client, sidecar.image),
        name=f"{network.name}-{hostname}",
        environment=sidecar.env,
        labels=labels(run),
        network=network.name,
        networking_config={
            str(network.name): client.api.create_endpoint_config(aliases=[hostname])
        },
    )


def _pulled(client: DockerClient, image: str) -> Image:
    """A local image, pulled if it is not there."""
    try:
        return client.images.get(image)
    except ImageNotFound:
        try:
            return client.images.pull(image)
        except APIError as error:
            raise RefuseError(
                "The image of a service cannot be pulled.",
                where=image,
                got=str(error.explanation or error),
                remedy="check its name in pipeline.yaml, and that the engine may pull it",
            ) from error


def is_ready(container: Container, command: list[str] | None) -> bool:
    """Whether a service answers: by its command, else by its HEALTHCHECK, else as it runs."""
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


def _follow(container: Container, output: Output) -> int:
    # Attached before the start: to a container that ends at once, an attach may never end.
    stream: Iterable[tuple[bytes | None, bytes | None]] = container.attach(stream=True, demux=True)
    container.start()
    # The engine cuts the two streams anywhere; what stands on one line is told together.
    rests = [b"", b""]
    for pair in stream:
        for number, chunk in enumerate(pair):
            text = rests[number] + (chunk or b"")
            cut = text.rfind(b"\n") + 1
            cut = len(text) if len(text) - cut > LONGEST else cut
            rests[number] = text[cut:]
            if cut:
                output(text[:cut])
    for rest in rests:
        if rest:
            output(rest)
    return int(container.wait()["StatusCode"])


def _archive(files: Mapping[str, bytes]) -> bytes:
    """A tar archive of a folder that every user of the container can read and write."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        folder = tarfile.TarInfo(FOLDER)
        folder.type, folder.mode = tarfile.DIRTYPE, 0o777
        archive.addfile(folder)
        for name, data in files.items():
            entry = tarfile.TarInfo(f"{FOLDER}/{name}")
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    return content.getvalue()


def _read_file(container: Container, path: str | None) -> bytes | None:
    if path is None:
        return None
    try:
        folder = container.attrs["Config"].get("WorkingDir") or ""
        stream, _ = container.get_archive(posixpath.join("/", folder, path))
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


def _remove_network(network: Network) -> None:
    # Another run may be at the removal of its containers, and not done yet.
    attempts = Retrying(
        retry=retry_if_exception(_is_in_use),
        wait=wait_fixed(_PAUSE_SECONDS),
        stop=stop_after_delay(_PATIENCE_SECONDS),
        reraise=True,
    )
    with suppress(NotFound):
        attempts(network.remove)


def _is_in_use(error: BaseException) -> bool:
    return isinstance(error, APIError) and error.status_code == HTTPStatus.FORBIDDEN
