"""A worker and a checkout of one's own, set up as the pages say: from a clone, and a bare shell."""

from __future__ import annotations

import os
import shlex
import signal
import site
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from tests.support.pages import paste, pasted, renamed
from tests.support.project import HOME

PREFECT = str(Path(sys.executable).with_name("prefect"))
WAITING = {"stop": stop_after_delay(300), "wait": wait_fixed(0.2)}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of this repository, as it was committed last."""
    folder = tmp_path / "shipway"
    subprocess.run(["git", "clone", "--quiet", HOME, folder], check=True)
    return folder


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """That of somebody who has nothing of Shipway.

    The locked packages are here already, so that pip need not fetch them again. It then leaves out
    their commands.
    """
    own = str(Path(sys.executable).parent)
    path = [folder for folder in os.environ["PATH"].split(os.pathsep) if folder != own]
    prefect = tmp_path / "prefect"
    prefect.write_text('#!/bin/sh\nexec python -m prefect "$@"\n')
    prefect.chmod(0o755)
    return {
        "HOME": str(tmp_path),
        "PATH": os.pathsep.join([*path, str(tmp_path)]),
        "PYTHONPATH": site.getsitepackages()[0],
        "PIP_NO_BUILD_ISOLATION": "0",
    }


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The API of a team's Prefect server, which has nothing yet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = os.environ | {
        "PREFECT_HOME": str(tmp_path / "server"),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{tmp_path}/prefect.db",
    }
    command = [PREFECT, "server", "start", "--port", str(port), "--no-services"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}/api"
        assert retry(**WAITING)(httpx.get)(f"{url}/health").is_success
        yield url
    finally:
        process.terminate()
        process.wait(30)


def workers(api: str) -> list[str]:
    """The states of the workers of the pool that the page names."""
    found = httpx.post(f"{api}/work_pools/shipway/workers/filter", json={})
    return [each["status"] for each in found.json()] if found.is_success else []


def test_a_worker_of_ones_own_is_set_up(clone: Path, env: dict[str, str], server: str) -> None:
    (block,) = pasted("docs/setup.md", "Steps")
    text = renamed(block, {"https://prefect.example.org/api": server})
    shell = ["bash", "--noprofile", "--norc", "-e", "-c", text]
    with (clone.parent / "worker").open("wb") as log:
        process = subprocess.Popen(
            shell, cwd=clone, env=env, stdout=log, stderr=log, start_new_session=True
        )
    try:
        # A line that fails ends the shell.
        waits = retry_if_result(lambda found: not found and process.poll() is None)
        found = retry(retry=waits, **WAITING)(workers)(server)
        assert found == ["ONLINE"], (clone.parent / "worker").read_text()
    finally:
        # Asked politely, it sends itself SIGINT, which who started the tests may have it ignore.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    deployed = httpx.post(f"{server}/deployments/filter", json={}).json()
    listed = yaml.safe_load((clone / "prefect.yaml").read_text())["deployments"]
    assert {each["name"] for each in deployed} == {each["name"] for each in listed}


def test_the_hooks_of_a_clone_are_installed(clone: Path, env: dict[str, str]) -> None:
    check, install = "".join(pasted("CONTRIBUTING.md", "Set-up")).splitlines()
    (clone / ".venv").symlink_to(Path(sys.executable).parents[1])
    done = paste(install, {}, env, clone)
    assert done.returncode == 0, done.stderr
    hooks = {hook.name for hook in (clone / ".git" / "hooks").iterdir()}
    assert {"pre-commit", "commit-msg"} <= hooks
    # The other line is what such a hook runs.
    configured = yaml.safe_load((clone / ".pre-commit-config.yaml").read_text())
    entries = [hook["entry"] for repo in configured["repos"] for hook in repo["hooks"]]
    assert " ".join(shlex.split(check, comments=True)) in entries
