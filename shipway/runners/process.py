"""Test commands as processes on the worker, in the checkout."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

from shipway.concurrency import shielded
from shipway.runners import supervise
from shipway.runners.environment import EnvironmentSpec, Output
from shipway.runners.results import OutputWithResults
from shipway.runners.runner import ImageSource
from shipway.temporary_folder import temporary_folder
from shipway.test_tools.tool import Ended, Invocation

# What a program needs to run at all. The worker's own variables hold secrets of others.
INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "HOME")
CHUNK_BYTES = 65536


class ProcessEnvironment:
    """The folder of the app's code on this machine.

    Args:
        code: The checkout.
        folder: A folder for an invocation's files.
        env: The layer's environment.
    """

    def __init__(self, code: Path, folder: Path, env: Mapping[str, str]) -> None:
        self._code = code
        self.folder = str(folder)
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        self.env = {**inherited, **env}

    async def run(self, invocation: Invocation, output: Output) -> Ended:
        """Run a command; when the call ends, however it does, nothing of the command is left.

        Raises:
            RefuseError: There is no such program.
            FailError: Its results cannot be read.
        """
        told = OutputWithResults(invocation, output)
        for name, content in invocation.files.items():
            (Path(self.folder) / name).write_bytes(content)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", supervise.__file__, *told.invocation.command),
            cwd=self._code,
            env={**self.env, **invocation.env},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            # A Ctrl-C of the worker's is the worker's.
            start_new_session=True,
        )
        assert process.stdin is not None  # noqa: S101  # as asked for above
        assert process.stdout is not None  # noqa: S101
        try:
            while chunk := await process.stdout.read(CHUNK_BYTES):
                told.feed(chunk)
            status = await process.wait()
        finally:
            # The supervisor ends itself and all below it once nobody holds this.
            process.stdin.close()
            await shielded(process.wait())
        return told.ended(status)


class ProcessRunner:
    """The worker itself: nothing is built, and no service runs beside the tests."""

    images: ClassVar[ImageSource] = "none"
    services: ClassVar[bool] = False
    block: ClassVar[str | None] = None

    @asynccontextmanager
    async def environment(self, spec: EnvironmentSpec) -> AsyncGenerator[ProcessEnvironment]:
        """The checkout; the files of invocations are gone afterwards."""
        with temporary_folder("shard") as folder:
            yield ProcessEnvironment(spec.code, folder, spec.env)

    async def owners(self) -> dict[str, set[str]]:
        """Nothing is ever left: a command ends with the process that asked for it."""
        return {}

    async def remove(self, run: str) -> int:  # noqa: ARG002  # the seam's
        """There is nothing to remove."""
        return 0

    async def slots(self) -> int:
        """One shard a processor of this machine."""
        return os.cpu_count() or 1
