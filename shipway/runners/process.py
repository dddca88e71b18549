"""Test commands as processes on the worker, in the checkout."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from shipway.concurrency import shielded
from shipway.errors import RefuseError
from shipway.runners import supervise
from shipway.runners.environment import Output
from shipway.test_tools.tool import Ended, Invocation

# What a program needs to run at all. The worker's own variables hold secrets of others.
INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "HOME")
CHUNK = 65536


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
        kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
        self.env = {**kept, **env}

    async def run(self, invocation: Invocation, output: Output) -> Ended:
        """Run a command; when the call ends, however it does, nothing of the command is left.

        Raises:
            RefuseError: There is no such program.
        """
        for name, content in invocation.files.items():
            (Path(self.folder) / name).write_bytes(content)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", supervise.__file__, *invocation.command),
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
        said = b""
        try:
            while chunk := await process.stdout.read(CHUNK):
                said = (said + chunk)[-CHUNK:]
                output(chunk)
            status = await process.wait()
        finally:
            # The supervisor ends itself and all below it once nobody holds this.
            process.stdin.close()
            await shielded(process.wait())
        results = self._results(invocation)
        if status in {supervise.CANNOT_EXECUTE, supervise.NOT_FOUND} and results is None:
            raise no_such_program(invocation.command, said.decode("utf-8", "replace"))
        return Ended(status=status, results=results)

    def _results(self, invocation: Invocation) -> bytes | None:
        file = self._code / (invocation.results or "")
        return file.read_bytes() if file.is_file() else None


@asynccontextmanager
async def process_environment(
    code: Path, env: Mapping[str, str]
) -> AsyncGenerator[ProcessEnvironment]:
    """A place in the checkout; its files are gone afterwards."""
    with TemporaryDirectory(prefix="shipway-shard-") as folder:
        yield ProcessEnvironment(code, Path(folder), env)


def no_such_program(command: list[str], words: str) -> RefuseError:
    """What to say where a test command cannot start."""
    return RefuseError(
        "The test command cannot start.",
        where=" ".join(command),
        expected="a program that the layer's runner finds",
        got=words,
        remedy="check the layer's command, and tests.target in pipeline.yaml",
    )
