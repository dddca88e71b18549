"""A rollback that is started again finds its pull request.

Each input is a second run of what a first one asked a protected branch for: another time, another
person, another reason. It is the same pull request for as long as it does the same.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.forge import Forge
from shipway.errors import HaltError
from shipway.forges.api import Project, PullRequest
from shipway.forges.registry import FORGES
from shipway.git.ops_folder import Proposal
from shipway.rollback import commit
from shipway.rollback.commit import CommittedRollback, Reason, commit_rollback
from tests.support.origin import Origin
from tests.support.people import Merger, Person
from tests.support.rolling_environment import WEB, RollingEnvironment, image
from tests.support.run_contexts import run_context

FOLDER = "prod/shop"


class Requests:
    """A forge.

    Attributes:
        branches: Of the pull requests that were asked for, in their order.
        merge: Brings a branch onto the main one; nobody does so if None.
    """

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.branches: list[str] = []
        self.merge: Callable[[str], object] | None = None

    def open_request(self, project: Project, request: PullRequest) -> str:
        self.branches.append(request.branch)
        if self.merge is not None:
            self.merge(request.branch)
        return "https://forge.example.org/acme/ops/changes/1"

    def forward(self, branch: str) -> None:
        self.origin.bare.git.update_ref("refs/heads/main", f"refs/heads/{branch}")

    def squash(self, branch: str) -> None:
        self.forward(branch)
        Merger(self.origin).squash("Back (#7)")


@pytest.fixture
def requests(origin: Origin, monkeypatch: pytest.MonkeyPatch) -> Requests:
    requests = Requests(origin)
    monkeypatch.setitem(FORGES, "local", SimpleNamespace(open_request=requests.open_request))
    return requests


@pytest.fixture
def shop(origin: Origin, tmp_path: Path, requests: Requests) -> RollingEnvironment:
    environment = RollingEnvironment(origin, Origin(tmp_path / "app"))
    for number, revision in ((1, environment.older), (2, environment.newer)):
        environment.run = run_context(number)
        environment.release(revision, image(number))
    review = Forge(
        kind="local",
        api_url="https://forge.example.org",
        project="acme/ops",
        token=SecretStr("secret"),
        merge_timeout_seconds=0.2,
        poll_seconds=0.01,
    )
    environment.ops = environment.ops.model_copy(update={"review": review})
    return environment


def roll_back(
    shop: RollingEnvironment, run: int = 3, why: str = "it fails", by: str = "Ada"
) -> CommittedRollback:
    shop.run = run_context(run)
    reason = Reason(why=why, by=by)
    return commit_rollback(shop.ops, shop.source, shop.target(), None, reason, shop.run)


def wait_in_vain(shop: RollingEnvironment, **asked: Any) -> None:
    with pytest.raises(HaltError, match="The pull request was not merged in time"):
        roll_back(shop, **asked)


def at(monkeypatch: pytest.MonkeyPatch, second: int) -> None:
    """The clock of a rollback's hold."""
    now = datetime(2026, 11, 25, 12, 0, second, tzinfo=UTC)
    monkeypatch.setattr(commit, "datetime", SimpleNamespace(now=lambda _: now))


@pytest.mark.parametrize(
    "again",
    [{}, {"run": 4}, {"why": "5xx"}, {"by": "Grace"}, {"run": 5, "why": "5xx", "by": "Grace"}],
    ids=["the same run", "another run", "another reason", "another person", "all of it"],
)
def test_it_is_the_same_pull_request(
    shop: RollingEnvironment,
    requests: Requests,
    monkeypatch: pytest.MonkeyPatch,
    again: dict[str, Any],
) -> None:
    at(monkeypatch, 1)
    wait_in_vain(shop)
    at(monkeypatch, 2)
    wait_in_vain(shop, **again)
    first, second = requests.branches
    assert first == second


@pytest.mark.parametrize("way", ["forward", "squash"])
@pytest.mark.parametrize("again", [{"run": 4}, {"run": 4, "why": "5xx", "by": "Grace"}])
def test_the_second_run_sees_the_merge_of_what_the_first_one_asked_for(
    shop: RollingEnvironment,
    requests: Requests,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    again: dict[str, Any],
) -> None:
    at(monkeypatch, 1)
    wait_in_vain(shop)
    at(monkeypatch, 2)
    requests.merge = getattr(requests, way)
    target = roll_back(shop, **again).target
    assert (target.image, target.from_image, target.in_progress) == (
        image(1),
        str(image(2)),
        True,
    )
    assert shop.holds() == [shop.newer.commit]


def clear(shop: RollingEnvironment) -> None:
    """The branch takes pushes, for somebody clears the hold."""
    open_branch = shop.ops.model_copy(update={"review": None})
    protected, shop.ops = shop.ops, open_branch
    shop.run = run_context(7)
    shop.clear_hold(shop.newer.short, "mended", "Grace")
    shop.run = run_context(8)
    shop.release(shop.newer, image(2))
    shop.ops = protected


@pytest.mark.parametrize("way", ["forward", "squash"])
def test_the_next_rollback_does_not_find_what_was_merged_before(
    shop: RollingEnvironment, requests: Requests, way: str
) -> None:
    requests.merge = getattr(requests, way)
    roll_back(shop)
    clear(shop)
    # The forge keeps the branch of what it merged.
    target = roll_back(shop, 9).target
    assert (target.image, target.in_progress) == (image(1), True)
    first, second = requests.branches
    assert first != second


def test_a_rollback_from_another_image_is_another_pull_request(
    shop: RollingEnvironment, requests: Requests
) -> None:
    wait_in_vain(shop)
    Person(shop.origin).edit({f"{FOLDER}/web.yaml": WEB.replace(b"shop:0", str(image(9)).encode())})
    shop.run = run_context(4)
    with pytest.raises(HaltError):
        shop.roll_back(shop.older.short)
    first, second = requests.branches
    assert first != second


@pytest.mark.parametrize("why", ["it fails", "5xx"])
def test_two_people_who_roll_back_at_once_go_back_once(
    shop: RollingEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    shop.ops = shop.ops.model_copy(update={"review": None})
    proposal, others = commit.release_proposal, [run_context(4)]

    def late(*given: Any) -> Proposal | None:
        # Somebody else, on another machine, comes between the look and the push.
        if others:
            with monkeypatch.context() as patch:
                patch.setenv("SHIPWAY_STATE", str(tmp_path / "other"))
                reason = Reason(why=why, by="Grace")
                commit_rollback(shop.ops, shop.source, shop.target(), None, reason, others.pop())
        return proposal(*given)

    monkeypatch.setattr(commit, "release_proposal", late)
    target = roll_back(shop).target
    assert (target.image, target.in_progress) == (image(1), True)
    assert shop.holds() == [shop.newer.commit]
