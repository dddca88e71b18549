"""The sandbox itself: a second one beside the first, and the machine as it was afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.project import HOME

SHIPWAY = str(Path(sys.executable).with_name("shipway"))
HOST = (
    ("ip", "-oneline", "link"),
    ("ip", "route", "show", "table", "all"),
    ("iptables", "-S"),
    ("iptables", "-t", "nat", "-S"),
    ("mount",),
    ("sysctl", "net.ipv4.ip_forward"),
)


class Second:
    """A sandbox with a state folder of its own; the caches are shared."""

    def __init__(self, state: Path) -> None:
        self.state = state
        own = {key: value for key, value in os.environ.items() if key != "DOCKER_HOST"}
        self.env = {**own, "SHIPWAY_STATE": str(state)}

    def __call__(self, *arguments: str) -> str:
        return self.run(sys.executable, str(HOME / "docker" / "sandbox"), *arguments)

    def run(self, *command: str) -> str:
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def pids(self) -> dict[str, int]:
        """The pid of each part that `status` lists as running."""
        return {row[0]: int(row[2]) for row in self._rows() if row[1:2] == ["pid"]}

    def dead(self) -> set[str]:
        """The parts that `status` lists as dead."""
        return {row[0] for row in self._rows() if row[1:2] == ["DEAD"]}

    def exports(self) -> dict[str, str]:
        """What `env` prints."""
        lines = self("env").splitlines()
        pairs = (line.removeprefix("export ").partition("=") for line in lines)
        return {name: value.strip("'") for name, _, value in pairs}

    def _rows(self) -> list[list[str]]:
        return [line.split() for line in self("status").splitlines()]


def host() -> dict[str, str]:
    """What `down` promises to leave as it was."""
    return {
        " ".join(command): subprocess.run(
            command, capture_output=True, text=True, check=True
        ).stdout
        for command in HOST
    }


def processes_of(state: Path) -> list[str]:
    """The command lines of processes that know this state folder."""
    found: list[str] = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            facts = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if str(state).encode() in facts and entry.name != str(os.getpid()):
            found.append((entry / "cmdline").read_text().replace("\0", " "))
    return found


@pytest.fixture
def second(cluster_is_up: None, tmp_path: Path) -> Iterator[Second]:
    sandbox = Second(tmp_path / "second")
    yield sandbox
    sandbox("clean")
    assert not sandbox.state.exists()


def test_two_sandboxes_live_side_by_side_and_one_leaves_no_trace(
    second: Second, sandbox: dict[str, str]
) -> None:
    before = host()
    second("up")
    pids, own = second.pids(), second.exports()
    assert {"git-server", "prefect-server", "prefect-worker", "docker-registry"} <= set(pids)
    assert own["PREFECT_API_URL"] != sandbox["PREFECT_API_URL"]
    assert own["SHIPWAY_REGISTRY"] != sandbox["SHIPWAY_REGISTRY"]
    for address in (own["PREFECT_API_URL"], sandbox["PREFECT_API_URL"]):
        assert httpx.get(f"{address}/health").status_code == 200
    assert Path(own["KUBECONFIG"]).read_text() != Path(sandbox["KUBECONFIG"]).read_text()

    second.run(SHIPWAY, "up")
    assert second.pids() == pids

    for name in pids:
        os.kill(pids[name], signal.SIGKILL)
    assert second.dead() == set(pids)
    second("up")
    assert set(second.pids()) == set(pids)
    assert not set(second.pids().values()) & set(pids.values())

    second.run(SHIPWAY, "down")
    assert second("status").startswith("The sandbox is down")
    assert processes_of(second.state) == []
    assert host() == before
