"""Git that does not end.

Each input makes a command hang at another place: it is given up in time, with all it started.
"""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from pydantic import SecretStr

from shipway.app_environment import AppEnvironment
from shipway.errors import RefuseError, RetryError
from shipway.git import ops_repository, signing
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder, Proposal
from shipway.git.ops_repository import OpsRepository
from shipway.git.source_repository import SourceRepository
from tests.support.origin import Origin
from tests.support.processes import is_alive

SHOP = AppEnvironment(environment="prod", app="shop")
PATIENCE = 2.0
# Five attempts, and what this machine adds.
LONGEST = 60
# Nothing that hangs here would end by itself so soon.
DYING = 10.0


@pytest.fixture
def filled(origin: Origin) -> Origin:
    origin.commit({"prod/shop/web.yaml": b"a\n"})
    return origin


def propose(there: OpsFolder, _history: History) -> Proposal:
    return Proposal(changes={f"{there.path}/web.yaml": b"b\n"}, message="release")


@contextmanager
def in_time() -> Iterator[None]:
    begin = time.monotonic()
    yield
    assert time.monotonic() - begin < LONGEST


def left_of(pids: list[str]) -> list[str]:
    """Those of the processes that run on; one that was killed has a moment to be gone."""
    deadline = time.monotonic() + DYING
    while (left := [pid for pid in pids if is_alive(int(pid))]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


@pytest.mark.parametrize(
    ("hook", "how"),
    [
        ("pre-receive", "sleep 600"),
        ("pre-receive", "sleep 600 & wait"),
        ("update", "trap '' TERM INT HUP; sleep 600; sleep 600"),
        ("reference-transaction", "sleep 600"),
        ("post-receive", "sleep 600"),
    ],
)
def test_a_hook_of_the_server_that_hangs_is_ended_with_its_children(
    filled: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hook: str, how: str
) -> None:
    monkeypatch.setattr(ops_repository, "_FAILURES", 2)
    file = filled.path / "hooks" / hook
    file.write_text(f"#!/bin/sh\necho $$ >>{tmp_path}/pids\n{how}\n")
    file.chmod(0o755)
    ops = OpsRepository(url=filled.url, timeout_seconds=PATIENCE)
    with in_time():
        # The branch has moved on before the last hook runs: then the release has landed.
        landed = hook == "post-receive"
        with nullcontext() if landed else pytest.raises(RetryError, match="cannot be reached"):
            assert ops.commit(SHOP, propose).new
    pids = (tmp_path / "pids").read_text().split()
    assert pids
    assert left_of(pids) == []


@pytest.fixture
def silent() -> Iterator[int]:
    """A port where connections are taken, and never answered."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(20)
        yield server.getsockname()[1]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_never_answers_is_given_up(origin: Origin, silent: int, scheme: str) -> None:
    url = f"{scheme}://127.0.0.1:{silent}/x.git"
    with in_time(), pytest.raises(RetryError, match="The Git server cannot be reached"):
        OpsRepository(url=url, timeout_seconds=PATIENCE).fetch(SHOP)
    with in_time(), pytest.raises(RetryError, match="The Git server cannot be reached"):
        SourceRepository(url=url, timeout_seconds=PATIENCE).resolve(None)


@pytest.mark.parametrize("lock", ["{cache}.lock", "{cache}.fetch.lock", "{cache}.turn.lock"])
def test_a_lock_that_another_run_keeps_is_given_up(
    filled: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lock: str
) -> None:
    ops = OpsRepository(url=filled.url, timeout_seconds=PATIENCE)
    ops.fetch(SHOP)
    (cache,) = (tmp_path / "state" / "work" / "ops").glob("*/")
    monkeypatch.setattr(ops_repository, "_FAILURES", 2)
    with Path(lock.format(cache=cache)).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with (
            in_time(),
            pytest.raises(RetryError, match="Another run on this machine does not let go"),
        ):
            ops.commit(SHOP, propose)
    assert ops.commit(SHOP, propose).new


@pytest.mark.parametrize("program", ["gpg", "gpgconf"])
def test_a_program_that_signs_and_hangs_is_given_up(
    filled: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("gpg", "gpgconf"):
        file = tmp_path / "bin" / name
        line = "sleep 600" if name == program else "echo fpr:::::::::ABC:"
        file.write_text(f"#!/bin/sh\necho $$ >>{tmp_path}/pids\n{line}\n")
        file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setattr(signing, "_GPG_SECONDS", PATIENCE, raising=False)
    ops = OpsRepository(url=filled.url, signing="openpgp", signing_key=SecretStr("key"))
    with in_time(), pytest.raises(RefuseError, match="The commit cannot be signed"):
        ops.commit(SHOP, propose)
    assert left_of((tmp_path / "pids").read_text().split()) == []
