"""Pushes that the network or the server spoils, against the real server behind a proxy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from git import Repo
from pydantic import SecretStr

from bench.gitops.proxy import Fate, proxy
from blocks.ops_repository import OpsRepository
from shipway.errors import RetryError
from shipway.git.history import History
from shipway.git.ops_folder import Landed, OpsFolder, Proposal
from tests.support.app_environments import SHOP


def propose(folder: OpsFolder, _history: History) -> Proposal | None:
    """One edit that has nothing to do where it was done."""
    if folder.files["rollout.yaml"] == b"image: b\n":
        return None
    changes = {f"{folder.path}/rollout.yaml": b"image: b\n"}
    return Proposal(changes=changes, message="release")


def commits(code: Repo) -> list[str]:
    """What stands on the server's branch above the first commit, oldest first."""
    code.remote().fetch()
    return code.git.rev_list("--reverse", f"{code.head.commit.hexsha}..origin/main").split()


def release(
    code: Repo, sandbox: dict[str, str], fate: Callable[[int], Fate], patience: float = 60
) -> tuple[Landed, int]:
    """Release through a proxy; how it ended, and how many pushes it took."""
    with proxy(sandbox["SHIPWAY_GIT_URL"], fate) as server:
        ops = OpsRepository(
            url=f"{server.url}/{Path(code.remote().url).name}",
            username=sandbox["SHIPWAY_GIT_USERNAME"],
            password=SecretStr(sandbox["SHIPWAY_GIT_PASSWORD"]),
            timeout_seconds=patience,
        )
        return ops.commit(SHOP, propose), server.pushes


@pytest.mark.parametrize("count", [1, 3])
def test_the_first_pushes_rejected_the_next_one_lands(
    code: Repo, sandbox: dict[str, str], count: int
) -> None:
    landed, pushes = release(code, sandbox, lambda number: "reject" if number < count else "pass")
    assert (landed.new, pushes) == (True, count + 1)
    assert commits(code) == [landed.commit]


@pytest.mark.parametrize("then", ["pass", "drop", "reject", "hang"])
def test_a_push_whose_answer_is_lost_is_found_at_the_server(
    code: Repo, sandbox: dict[str, str], then: Fate
) -> None:
    # Git's transport itself sends a push once more where the connection breaks.
    landed, _ = release(code, sandbox, lambda number: "drop" if number == 0 else then, patience=5)
    assert landed.new
    assert commits(code) == [landed.commit]
    again, pushes = release(code, sandbox, lambda _: "pass")
    assert (again, pushes) == (Landed(commit=landed.commit, new=False), 0)
    assert commits(code) == [landed.commit]


def test_a_server_that_hangs_is_given_up_and_a_later_run_makes_one_commit(
    code: Repo, sandbox: dict[str, str]
) -> None:
    with pytest.raises(RetryError, match="The Git server cannot be reached") as caught:
        release(code, sandbox, lambda _: "hang", patience=1)
    assert "did not complete in 1" in str(caught.value.facts["got"])
    assert commits(code) == []
    landed, _ = release(code, sandbox, lambda _: "pass")
    assert commits(code) == [landed.commit]


def test_a_server_that_never_takes_a_push_is_reported(code: Repo, sandbox: dict[str, str]) -> None:
    with pytest.raises(RetryError, match="The Git server cannot be reached"):
        release(code, sandbox, lambda _: "reject")
    assert commits(code) == []
