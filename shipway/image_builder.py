"""Images built by a Docker engine with BuildKit."""

from __future__ import annotations

import asyncio
import os
import re
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from docker import DockerClient
from pydantic import BaseModel, ConfigDict

from shipway.build_secrets import BuildSecrets
from shipway.dockerfile import line_of_failure
from shipway.errors import FailError, RefuseError
from shipway.runners.docker_engine import engine_client, engine_lost
from shipway.temporary_folder import temporary_folder

NO_SECRETS = BuildSecrets()

# What a kernel says of a program of another platform.
_CANNOT_RUN = "exec format error"
_STEP = re.compile(r"^#\d+ (?:ERROR|\[|\d)")
# What the docker command itself says when it loses the engine; a step's own words never stand at
# the begin of a line.
_ENGINE_LOST = re.compile(
    r"(?:ERROR: )?(?:Cannot connect to the Docker daemon|error during connect:"
    r"|failed to dial gRPC:|failed to receive status:|rpc error: code = Unavailable"
    r"|cannot write \S+ because server did not provide an image ID)"
)


class ImageBuilder(BaseModel):
    """A Docker engine that builds images with BuildKit.

    The build goes through the `docker` command, the one client that speaks BuildKit's session
    protocol; all else goes through the Docker SDK.

    Attributes:
        connect: Makes a client of the engine.
        engine_url: Address of the engine; the environment's if None.
        cli: A docker command that can use BuildKit.
        build_args: Build arguments of every build; those of a call win.
    """

    model_config = ConfigDict(frozen=True)

    connect: Callable[[], DockerClient]
    engine_url: str | None = None
    cli: str = "docker"
    build_args: dict[str, str] = {}

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[DockerClient]:
        """A client of the engine.

        Raises:
            RetryError: The engine does not answer.
        """
        async with engine_client(self.connect, self.engine_url) as client:
            yield client

    async def platform(self) -> str:
        """What the engine runs on, such as `linux/amd64`.

        Raises:
            RetryError: The engine does not answer.
        """
        async with self.client() as client:
            version = await asyncio.to_thread(client.version)
        return f"{version['Os']}/{version['Arch']}"

    async def build(
        self,
        context: Path,
        dockerfile: Path,
        target: str | None,
        args: Mapping[str, str],
        labels: Mapping[str, str],
        log: Callable[[str], None],
        no_cache: bool = False,
        secrets: BuildSecrets = NO_SECRETS,
        platform: str | None = None,
        by_hand: str = "docker build .",
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
            secrets: What its steps may mount.
            platform: What it is to run on, such as `linux/arm64`; the engine's own if None.
            by_hand: The command that shows people the same in the app's folder.

        Raises:
            RefuseError: There is no such Dockerfile.
            FailError: The build fails; the error holds its last words.
            RetryError: The engine does not answer, or goes away meanwhile.
        """
        if not await asyncio.to_thread(dockerfile.is_file):
            raise RefuseError(
                "There is no Dockerfile.",
                where=dockerfile.name,
                expected="a file in the app's folder",
                untouched="everything: nothing was built, pushed or committed",
                remedy="set image.dockerfile in pipeline.yaml",
            )
        with temporary_folder("build") as folder:
            result = folder / "image-id"
            command = [self.cli, "build", "--progress=plain", "--iidfile", str(result)]
            command += ["--file", str(dockerfile)]
            command += ["--target", target] if target else []
            command += ["--no-cache"] if no_cache else []
            command += ["--platform", platform] if platform else []
            for key, value in {**self.build_args, **args}.items():
                command += ["--build-arg", f"{key}={value}"]
            for key, value in labels.items():
                command += ["--label", f"{key}={value}"]
            command += await asyncio.to_thread(secrets.write, folder)
            command.append(str(context))
            await self._run(command, dockerfile, log, secrets, by_hand)
            return (await asyncio.to_thread(result.read_text)).strip()

    async def _run(
        self,
        command: list[str],
        dockerfile: Path,
        log: Callable[[str], None],
        secrets: BuildSecrets,
        by_hand: str,
    ) -> None:
        environment = {**os.environ, "DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain"}
        if self.engine_url:
            environment["DOCKER_HOST"] = self.engine_url
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
                line = secrets.hide(raw.decode("utf-8", "replace").rstrip())
                if line:
                    last.append(line)
                    log(line)
            status = await process.wait()
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()
        if status != 0:
            if lost := [line for line in last if _ENGINE_LOST.match(line)]:
                raise engine_lost(self.engine_url, "\n".join(lost))
            cannot_run = any(_CANNOT_RUN in line for line in last)
            words = [line for line in last if _STEP.match(line) or not line.startswith("#")]
            text = await asyncio.to_thread(dockerfile.read_text, "utf-8", "replace")
            line = line_of_failure(text, last)
            raise FailError(
                "The image does not build.",
                where=f"{dockerfile.name}:{line}" if line else dockerfile.name,
                got="\n".join(words[-15:]),
                untouched="the registry, the ops repository and the cluster",
                remedy="install emulators (QEMU's binfmt handlers) where the engine runs, or take "
                "the platform out of image.platforms"
                if cannot_run
                else f"`{by_hand}` in the app's folder shows the same",
            )
