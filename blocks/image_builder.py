"""Where images are built: a Docker engine with BuildKit."""

from __future__ import annotations

import asyncio
import os
import re
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from docker import DockerClient
from prefect.blocks.core import Block
from prefect_docker import DockerHost
from pydantic import Field

from shipway.errors import FailError, RefuseError
from shipway.runners.docker_engine import engine_client

_STEP = re.compile(r"^#\d+ (?:ERROR|\[|\d)")


class ImageBuilder(Block):
    """A Docker engine that builds images with BuildKit.

    The build goes through the `docker` command, the one client that speaks BuildKit's session
    protocol; all else goes through the Docker SDK.
    """

    _block_type_name = "Image Builder"
    _block_type_slug = "image-builder"
    _description = "A Docker engine that builds images with BuildKit."

    engine: DockerHost = Field(
        default_factory=DockerHost, description="The engine; from the environment if left empty."
    )
    cli: str = Field(default="docker", description="A docker command that can use BuildKit.")
    build_args: dict[str, str] = Field(
        default_factory=dict,
        description="Build arguments for every build here, such as a proxy; pipeline.yaml wins.",
    )

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[DockerClient]:
        """A client of the engine.

        Raises:
            RetryError: The engine does not answer.
        """
        async with engine_client(self.engine.get_client, self.engine.base_url) as client:
            yield client

    async def build(
        self,
        context: Path,
        dockerfile: Path,
        target: str | None,
        args: Mapping[str, str],
        labels: Mapping[str, str],
        log: Callable[[str], None],
        no_cache: bool = False,
    ) -> str:
        """Build one target; return the local image id (sha256:…).

        Cancelling the call ends the build: BuildKit stops with its client.

        Args:
            context: The build context.
            dockerfile: The Dockerfile.
            target: The stage, or None for the last one.
            args: Build arguments.
            labels: Labels of the image.
            log: Called with each line of the build's output.
            no_cache: Run every step again.

        Raises:
            RefuseError: There is no such Dockerfile.
            FailError: The build fails; the error holds its last words.
        """
        if not await asyncio.to_thread(dockerfile.is_file):
            raise RefuseError(
                "There is no Dockerfile.",
                where=dockerfile.name,
                expected="a file in the app's folder",
                untouched="everything: nothing was built, pushed or committed",
                remedy="set image.dockerfile in pipeline.yaml",
            )
        with TemporaryDirectory() as folder:
            result = Path(folder, "image-id")
            command = [self.cli, "build", "--progress=plain", "--iidfile", str(result)]
            command += ["--file", str(dockerfile)]
            command += ["--target", target] if target else []
            command += ["--no-cache"] if no_cache else []
            for key, value in {**self.build_args, **args}.items():
                command += ["--build-arg", f"{key}={value}"]
            for key, value in labels.items():
                command += ["--label", f"{key}={value}"]
            await self._run([*command, str(context)], dockerfile.name, log)
            return (await asyncio.to_thread(result.read_text)).strip()

    async def _run(self, command: list[str], dockerfile: str, log: Callable[[str], None]) -> None:
        environment = {**os.environ, "DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain"}
        if self.engine.base_url:
            environment["DOCKER_HOST"] = self.engine.base_url
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                limit=2**20,
            )
        except FileNotFoundError as error:
            raise RefuseError(
                "There is no docker command.",
                where=self.cli,
                expected="a docker command with BuildKit",
                remedy="install it on the worker, or set cli in the Image Builder block",
            ) from error
        last = deque[str](maxlen=30)
        assert process.stdout is not None  # noqa: S101  # asked for above
        try:
            async for raw in process.stdout:
                line = raw.decode("utf-8", "replace").rstrip()
                if line:
                    last.append(line)
                    log(line)
            status = await process.wait()
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()
        if status != 0:
            words = [line for line in last if _STEP.match(line) or not line.startswith("#")]
            raise FailError(
                "The image does not build.",
                where=dockerfile,
                got="\n".join(words[-15:]),
                untouched="the registry, the ops repository and the cluster",
                remedy="`docker build` in the app's folder shows the same",
            )
