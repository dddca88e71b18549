"""One command, timed."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

HOME = Path(__file__).parents[2]
CLEAN_UP_SECONDS = 60


class Finished(BaseModel):
    """How a command ended, and the wall time in seconds from its start to its end."""

    model_config = ConfigDict(frozen=True)

    status: int
    seconds: float
    output: str


def run(command: Sequence[str], env: Mapping[str, str]) -> Finished:
    """Run a command to its end.

    An interrupt reaches the command and everything it started, and waits until they have cleaned
    up after themselves; `subprocess.run` would kill them in the middle of it.
    """
    # A file rather than a pipe: the command never waits for somebody to read.
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        begin = time.perf_counter()
        process = subprocess.Popen(
            command,
            env=dict(env),
            cwd=HOME,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        try:
            status = process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(CLEAN_UP_SECONDS)
            raise
        seconds = time.perf_counter() - begin
        output.seek(0)
        return Finished(status=status, seconds=seconds, output=output.read())
