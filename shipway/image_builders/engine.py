"""Images built by a Docker engine with BuildKit."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from docker import DockerClient
from pydantic import BaseModel, ConfigDict

from shipway.errors import RefuseError
from shipway.image_builders.build_command import check_dockerfile, does_not_build, run_command
from shipway.image_builders.builder import Build, Log
from shipway.image_config import content_hash, env_of
from shipway.image_ref import ImageRef
from shipway.registry import Registry
from shipway.runners.docker_engine import engine_client, engine_lost
from shipway.runners.local_images import pull_if_missing
from shipway.temporary_folder import temporary_folder

CANDIDATES = "candidates"

# What the docker command itself says when it loses the engine; a step's own words never stand at
# the begin of a line.
_ENGINE_LOST = re.compile(
    r"(?:ERROR: )?(?:Cannot connect to the Docker daemon|error during connect:"
    r"|failed to dial gRPC:|failed to receive status:|rpc error: code = Unavailable"
    r"|cannot write \S+ because server did not provide an image ID)"
)


class EngineBuilder(BaseModel):
    """A Docker engine that builds images with BuildKit, and keeps them until they are pushed.

    The build goes through the `docker` command, the one client that speaks BuildKit's session
    protocol to an engine; all else goes through the Docker SDK. A built image is named by its local
    id (sha256:…).

    Attributes:
        connect: Makes a client of the engine.
        registry: Where green images go.
        engine_url: Address of the engine; the environment's if None.
        cli: A docker command that can use BuildKit.
        build_args: Build arguments of every build; those of a call win.
    """

    model_config = ConfigDict(frozen=True)

    connect: Callable[[], DockerClient]
    registry: Registry
    engine_url: str | None = None
    cli: str = "docker"
    build_args: Mapping[str, str] = {}

    async def platform(self) -> str:
        """What the engine runs on."""
        async with self._client() as client:
            version = await asyncio.to_thread(client.version)
        return f"{version['Os']}/{version['Arch']}"

    async def build(self, build: Build, log: Log) -> str:
        """Build an image; BuildKit stops with its client."""
        await check_dockerfile(build)
        with temporary_folder("build") as folder:
            result = folder / "image-id"
            command = [self.cli, "build", "--progress=plain", "--iidfile", str(result)]
            command += ["--file", str(build.dockerfile)]
            command += ["--target", build.target] if build.target else []
            command += ["--no-cache"] if build.no_cache else []
            command += ["--platform", build.platform] if build.platform else []
            for key, value in {**self.build_args, **build.args}.items():
                command += ["--build-arg", f"{key}={value}"]
            for key, value in build.labels.items():
                command += ["--label", f"{key}={value}"]
            command += await asyncio.to_thread(build.secrets.write, folder)
            command.append(str(build.context))
            await self._run(command, build, log)
            return (await asyncio.to_thread(result.read_text)).strip()

    async def publish(self, app: str, built: str) -> ImageRef:
        """Push a built image beside the releases, under the name of its content."""
        image = self.registry.image(f"{app}/{CANDIDATES}", built.removeprefix("sha256:"))
        if (stored := await self.registry.find(image)) is not None:
            return stored.ref.pinned()
        return (await self.push(built, image)).pinned()

    async def push(self, built: str, image: ImageRef) -> ImageRef:
        """Push a built image under a tag."""
        async with self._client() as client:
            return await self.registry.push(client, built, image)

    async def push_index(self, built: Mapping[str, str], image: ImageRef) -> ImageRef:
        """Push built images by platform, and an index under a tag."""
        async with self._client() as client:
            return await self.registry.push_index(client, built, image)

    async def content_hashes(self, images: Sequence[str]) -> list[str]:
        """Hashes of what is in images; the engine pulls those that it has not."""
        async with self._client() as client:
            found = [await asyncio.to_thread(_inspect, client, image) for image in images]
        return [content_hash(image["RootFS"]["Layers"], image["Config"]) for image in found]

    async def image_env(self, image: str) -> dict[str, str]:
        """The environment that an image brings."""
        async with self._client() as client:
            return env_of((await asyncio.to_thread(_inspect, client, image))["Config"])

    def _client(self) -> AbstractAsyncContextManager[DockerClient]:
        return engine_client(self.connect, self.engine_url)

    async def _run(self, command: Sequence[str], build: Build, log: Log) -> None:
        environment = {**os.environ, "DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain"}
        if self.engine_url:
            environment["DOCKER_HOST"] = self.engine_url
        try:
            ended = await run_command(command, environment, log, build.secrets)
        except FileNotFoundError as error:
            raise RefuseError(
                "There is no docker command.",
                where=self.cli,
                expected="a docker command with BuildKit",
                remedy="install it on the worker, or set cli in the Image Builder block",
            ) from error
        if ended.status != 0:
            if lost := [line for line in ended.last if _ENGINE_LOST.match(line)]:
                raise engine_lost(self.engine_url, "\n".join(lost))
            raise await does_not_build(build, ended.last)


def _inspect(client: DockerClient, image: str) -> dict[str, Any]:
    return pull_if_missing(client, image).attrs
