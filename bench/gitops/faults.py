"""Releases through a network that fails: how each ends, and what a second run adds."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from pydantic import SecretStr

from bench.gitops.proxy import Fate, proxy
from blocks.ops_repository import OpsRepository
from examples import repositories
from shipway.app_environment import AppEnvironment
from shipway.errors import ShipwayError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder, Proposal

_TIMEOUT_SECONDS = 3


class Fault(NamedTuple):
    """One fault.

    Args:
        title: What the server does.
        outcome: What the release said.
        pushes: How many pushes it sent.
        commits: Commits on the branch afterwards.
        after_rerun: Commits on the branch after the same release once more, without the fault.
    """

    title: str
    outcome: str
    pushes: int
    commits: int
    after_rerun: int


FATES: dict[str, Callable[[int], Fate]] = {
    "rejects the first push": lambda number: "reject" if number < 1 else "pass",
    "rejects the first three pushes": lambda number: "reject" if number < 3 else "pass",
    "hangs once": lambda number: "hang" if number < 1 else "pass",
    "hangs": lambda _: "hang",
    "drops the connection after taking the pack": lambda _: "drop",
    "drops it, then rejects": lambda number: "drop" if number < 1 else "reject",
}


def faults(env: Mapping[str, str]) -> list[Fault]:
    """Try every fault on a fresh repository."""
    return [_try(title, fate, env) for title, fate in FATES.items()]


def _try(title: str, fate: Callable[[int], Fate], env: Mapping[str, str]) -> Fault:
    with tempfile.TemporaryDirectory() as folder:
        content = Path(folder, "content/prod/app")
        content.mkdir(parents=True)
        (content / "web.yaml").write_text("image: a\n")
        work = repositories.create(
            "fault", Path(folder, "content"), {}, {**env, "SHIPWAY_STATE": folder}
        )
        start = work.head.commit.hexsha

        def commits() -> int:
            work.remote().fetch()
            return int(work.git.rev_list("--count", f"{start}..origin/main"))

        with patch.dict(os.environ, SHIPWAY_STATE=str(Path(folder, "state"))):
            outcome, pushes = _release(fate, env)
            first = commits()
            _release(lambda _: "pass", env)
            return Fault(title, outcome, pushes, first, commits())


def _release(fate: Callable[[int], Fate], env: Mapping[str, str]) -> tuple[str, int]:
    def propose(folder: OpsFolder, _history: History) -> Proposal | None:
        if folder.files["web.yaml"] == b"image: b\n":
            return None
        return Proposal(changes={f"{folder.path}/web.yaml": b"image: b\n"}, message="release")

    with proxy(env["SHIPWAY_GIT_URL"], fate) as server:
        ops = OpsRepository(
            url=f"{server.url}/fault.git",
            username=env["SHIPWAY_GIT_USERNAME"],
            password=SecretStr(env["SHIPWAY_GIT_PASSWORD"]),
            timeout_seconds=_TIMEOUT_SECONDS,
        )
        try:
            landed = ops.commit(AppEnvironment(app="app", environment="prod"), propose)
        except ShipwayError as error:
            return f"{type(error).__name__}: {error.what}", server.pushes
        return "landed" if landed.new else "nothing to do", server.pushes
