"""The command that builds an image: its output as it comes, and what its failure means."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shipway.build_secrets import BuildSecrets
from shipway.dockerfile import line_of_failure
from shipway.errors import FailError, RefuseError
from shipway.image_builders.builder import Build, Log

_LAST_LINES = 30
# What a kernel says of a program of another platform.
_CANNOT_RUN = "exec format error"
_STEP = re.compile(r"^#\d+ (?:ERROR|\[|\d)")


class Ended(NamedTuple):
    """How a command ended, and its last lines."""

    status: int
    last: Sequence[str]


async def check_dockerfile(build: Build) -> None:
    """Ask whether there is anything to build.

    Raises:
        RefuseError: There is no such Dockerfile.
    """
    if not await asyncio.to_thread(build.dockerfile.is_file):
        raise RefuseError(
            "There is no Dockerfile.",
            where=build.dockerfile.name,
            expected="a file in the app's folder",
            untouched="everything: nothing was built, pushed or committed",
            remedy="set image.dockerfile in pipeline.yaml",
        )


async def run_command(
    command: Sequence[str], env: Mapping[str, str], log: Log, secrets: BuildSecrets
) -> Ended:
    """Run a builder's client; cancelling the call ends it.

    Args:
        command: The command.
        env: Its whole environment.
        log: Called with each line of its output.
        secrets: What is hidden in these lines.

    Raises:
        FileNotFoundError: There is no such command.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=2**20,
    )
    last = deque[str](maxlen=_LAST_LINES)
    assert process.stdout is not None  # noqa: S101  # asked for above
    try:
        async for raw in process.stdout:
            if line := secrets.hide(raw.decode("utf-8", "replace").rstrip()):
                last.append(line)
                log(line)
        status = await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    return Ended(status, list(last))


async def does_not_build(build: Build, last: Sequence[str]) -> FailError:
    """What is raised where the Dockerfile is at fault, or what its steps run."""
    cannot_run = any(_CANNOT_RUN in line for line in last)
    words = [line for line in last if _STEP.match(line) or not line.startswith("#")]
    text = await asyncio.to_thread(build.dockerfile.read_text, "utf-8", "replace")
    line = line_of_failure(text, last)
    name = build.dockerfile.name
    return FailError(
        "The image does not build.",
        where=f"{name}:{line}" if line else name,
        got="\n".join(words[-15:]),
        untouched="the registry, the ops repository and the cluster",
        remedy="install emulators (QEMU's binfmt handlers) where it is built, or take "
        "the platform out of image.platforms"
        if cannot_run
        else f"`{build.by_hand}` in the app's folder shows the same",
    )
