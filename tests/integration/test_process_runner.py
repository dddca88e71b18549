"""Test commands on the worker itself: nothing of them outlives whoever asked for them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.processes import processes_with
from tests.support.project import HOME

ASKER = """
import asyncio, sys
from pathlib import Path
from shipway.runners.environment import EnvironmentSpec
from shipway.runners.process import ProcessRunner
from shipway.test_tools.tool import Invocation

async def main():
    spec = EnvironmentSpec(
        run="run", name="name", code=Path("."), env={"MARK": sys.argv[1]}, timeout_seconds=600
    )
    async with ProcessRunner().environment(spec) as environment:
        await environment.run(Invocation(command=sys.argv[2:], env={}), lambda chunk: None)

asyncio.run(main())
"""
DAEMON = """
import os, time
if not os.fork():
    os.setsid()
    if not os.fork():
        time.sleep(600)
    os._exit(0)
"""
COMMANDS = {
    "a program": ["sh", "-c", "exec sleep 600"],
    "a tree": ["sh", "-c", "sleep 600 & sh -c 'sleep 600 & sleep 600' & sleep 600"],
    "a daemon": ["sh", "-c", 'python3 -c "$DAEMON"; sleep 600'],
    "one that ignores signals": ["sh", "-c", "trap '' TERM INT HUP; setsid -f sleep 600; sleep 9"],
}


@pytest.mark.parametrize("ended_by", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_when_the_worker_is_killed_nothing_is_left(
    tmp_path: Path, command: list[str], ended_by: signal.Signals
) -> None:
    mark = uuid.uuid4().hex
    script = [part.replace("$DAEMON", DAEMON) for part in command]
    asker = subprocess.Popen(
        [sys.executable, "-c", ASKER, mark, *script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(HOME)},
        start_new_session=True,
    )
    most = script[-1].count("sleep")
    _until(lambda: _sleepers(mark) >= most)
    asker.send_signal(ended_by)
    asker.wait()
    _until(lambda: processes_with(f"MARK={mark}") == {})


def _sleepers(mark: str) -> int:
    lines = processes_with(f"MARK={mark}").values()
    return sum(
        line.startswith(b"sleep\0") or line.endswith(DAEMON.encode() + b"\0") for line in lines
    )


def _until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)
