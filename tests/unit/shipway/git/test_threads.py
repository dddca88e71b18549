"""Releases of many apps in threads of one process, as a worker or a service runs them."""

from __future__ import annotations

import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from shipway.app_environment import AppEnvironment
from shipway.git.ops_folder import OpsFolder, Proposal
from shipway.git.ops_repository import OpsRepository
from shipway.git.trailers import OpsCommit
from tests.support.origin import Origin

THREADS, COMMITS, READS = 8, 3, 12


@pytest.fixture
def hasty() -> Generator[None]:
    """Threads that take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def release(origin: Origin, number: int) -> list[str]:
    """Commit to one app and read it back, a few times; the contents in their order."""
    # Each address has a mirror of its own, and each branch takes pushes of one thread alone:
    # nobody waits for anybody.
    url = f"file://{'/' * number}{origin.path}"
    ops = OpsRepository(url=url, branch=f"branch-{number}")
    app_environment = AppEnvironment(app=f"app-{number}", environment="prod")
    seen: list[str] = []
    for count in range(COMMITS):

        def propose(folder: OpsFolder, _history: list[OpsCommit], count: int = count) -> Proposal:
            changes = {f"{folder.path}/web.yaml": f"{count}\n".encode()}
            return Proposal(changes=changes, message="release")

        commit = ops.commit(app_environment, propose).commit
        seen.append(ops.fetch(app_environment).files["web.yaml"].decode().strip())
        for _ in range(READS):
            with ops.mirror("ops") as mirror:
                assert {entry.name for entry in mirror.tree(mirror.root(commit))} == {"prod"}
    return seen


@pytest.mark.usefixtures("hasty")
def test_releases_in_threads_of_one_process_do_not_disturb_each_other(origin: Origin) -> None:
    origin.commit({f"prod/app-{n}/rollout.yaml": b"strategy: rolling\n" for n in range(THREADS)})
    for number in range(THREADS):
        origin.bare.git.branch(f"branch-{number}", "main")
    with ThreadPoolExecutor(THREADS) as pool:
        seen = list(pool.map(partial(release, origin), range(THREADS)))
    assert seen == [[str(count) for count in range(COMMITS)]] * THREADS
    commits = [origin.bare.git.rev_list("--count", f"main..branch-{n}") for n in range(THREADS)]
    assert commits == [str(COMMITS)] * THREADS
