"""Test commands in containers: one an invocation."""

from __future__ import annotations

import asyncio
import io
import tarfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from docker import DockerClient
from docker.errors import APIError
from docker.models.containers import Container
from docker.models.networks import Network

from shipway.concurrency import shielded
from shipway.runners.containers import remove_container
from shipway.runners.environment import EnvironmentSpec, Output, no_such_program
from shipway.runners.labels import labels
from shipway.runners.local_images import image_env
from shipway.runners.results import OutputWithResults
from shipway.test_tools.lines import LONGEST
from shipway.test_tools.tool import Ended, Invocation

FOLDER = "shipway"


class ContainerEnvironment:
    """Containers of one image, one an invocation, on a network with the shard's services.

    Args:
        client: The engine.
        network: The shard's network.
        spec: What was asked for.
    """

    folder = f"/{FOLDER}"

    def __init__(self, client: DockerClient, network: Network, spec: EnvironmentSpec) -> None:
        self._client = client
        self._network = network
        self._spec = spec
        self._image = str(spec.image)
        self.env = {**image_env(client, self._image), **spec.env}

    async def run(self, invocation: Invocation, output: Output) -> Ended:
        """Run a command in a new container; nothing of it runs when the call ends.

        Raises:
            RefuseError: The image has no such program.
            FailError: Its results cannot be read.
        """
        told = OutputWithResults(invocation, output)
        container = await shielded(asyncio.to_thread(self._create, told.invocation))
        try:
            # A thread of its own: it is busy for as long as the command runs, and the loop's few
            # threads are needed to end it.
            follower = ThreadPoolExecutor(1, "shipway-follow")
            loop = asyncio.get_running_loop()
            following = loop.run_in_executor(follower, _follow, container, told.feed)
            follower.shutdown(wait=False)
            status = await following
        except BaseException as error:
            await shielded(asyncio.to_thread(remove_container, container))
            if isinstance(error, APIError):
                message = str(error.explanation or error)
                raise no_such_program(invocation.command, message) from error
            raise
        # It is over and holds nothing up: whoever removes the network removes it too.
        return told.ended(status)

    def _create(self, invocation: Invocation) -> Container:
        container = self._client.containers.create(
            self._image,
            invocation.command,
            entrypoint=[],
            environment={**self._spec.env, **invocation.env},
            network=self._network.name,
            labels=labels(self._spec.run),
            init=True,
        )
        container.put_archive("/", _archive(invocation.files))
        return container


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
