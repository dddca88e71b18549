"""The sandbox's daemons, by a real Redis: it writes its title over its environment."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import is_alive
from tests.support.project import HOME

NEED = """
import packages, state
with state.exclusive():
    packages.need({"redis-server": "redis-server"}, "a test")
"""
START = """
import subprocess, sys, time
import processes, state

def answers():
    ping = ["redis-cli", "-p", sys.argv[1], "ping"]
    return subprocess.run(ping, capture_output=True).stdout.strip() == b"PONG"

another = answers()
try:
    processes.start("redis", ["redis-server", "--port", sys.argv[1], "--save", ""])
    # It takes a moment until ours sees that the port is taken.
    deadline = time.monotonic() + 20
    while another and processes.pid_of("redis") and time.monotonic() < deadline:
        time.sleep(0.05)
    processes.wait_until(answers, "redis", 20)
    print(processes.pid_of("redis"))
except state.Unavailable as reason:
    print(reason)
finally:
    processes.stop_all()
"""


def run(program: str, *arguments: str, state: Path | None = None) -> str:
    """What a program says that has the sandbox's modules."""
    env = {**os.environ, "PYTHONPATH": str(HOME / "docker" / "sandbox")}
    env |= {"SHIPWAY_STATE": str(state)} if state else {}
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="module", autouse=True)
def redis() -> None:
    run(NEED)


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_a_daemon_that_hides_its_marks_is_ended(port: int, tmp_path: Path) -> None:
    assert not is_alive(int(run(START, str(port), state=tmp_path)))


def test_a_daemon_is_not_up_where_another_answers_in_its_place(port: int, tmp_path: Path) -> None:
    command = ["redis-server", "--port", str(port), "--save", ""]
    other = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        said = run(START, str(port), state=tmp_path)
        assert said.startswith("redis ended")
        assert "Address already in use" in said
        assert other.poll() is None
    finally:
        other.terminate()
        other.wait()
