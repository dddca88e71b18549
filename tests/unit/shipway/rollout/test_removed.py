"""How a folder left Git, and what keeps its objects."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from blocks.ops_repository import OpsRepository
from shipway.app_environment import AppEnvironment
from shipway.git.trailers import with_trailers
from shipway.rollout.removed import (
    DECOMMISSIONED,
    Removal,
    claims,
    goes_at,
    removal_of,
    why_it_waits,
)
from tests.support.app_environments import SHOP
from tests.support.origin import Origin
from tests.support.rolling_environment import ROLLOUT, WEB

FILES = {
    "prod/shop/rollout.yaml": ROLLOUT,
    "prod/shop/web.yaml": WEB,
    "prod/shop/patches/web.yaml": WEB,
    "prod/cart/rollout.yaml": ROLLOUT,
}
MEANT = {
    "App": "shop",
    "Environment": "prod",
    DECOMMISSIONED: "prod/shop",
    "Reason": "replaced by the store",
    "By": "Grace",
}
AT = datetime(2026, 11, 29, 14, 0, tzinfo=UTC)


@pytest.fixture
def start(origin: Origin) -> str:
    return origin.commit(FILES)


@pytest.fixture
def ops(origin: Origin, start: str) -> OpsRepository:
    assert start
    return OpsRepository(url=origin.url)


def remove(origin: Origin, *names: str, message: str = "By hand") -> str:
    for name in names or ("prod/shop",):
        origin.work.rm("-r", "--quiet", name)
    return origin.commit_tree(message)


def read(ops: OpsRepository, whose: AppEnvironment = SHOP) -> Removal | None:
    return ops.consult(whose, removal_of)


def test_the_commit_that_removed_a_folder_is_found_behind_others(
    origin: Origin, ops: OpsRepository
) -> None:
    commit = remove(origin)
    origin.commit({"prod/cart/web.yaml": WEB})
    removal = read(ops)
    assert removal is not None
    assert (removal.commit, removal.by, removal.is_meant) == (commit, "Ada", False)
    assert removal.at == origin.bare.commit(commit).committed_datetime
    assert (removal.namespace, removal.cluster, removal.is_ours) == ("shop", "prod", True)
    assert removal.words == f"removed from Git by {commit[:7]} (Ada)"


def test_a_commit_that_says_so_is_meant_and_says_who_and_why(
    origin: Origin, ops: OpsRepository
) -> None:
    remove(origin, message=with_trailers("shop leaves prod", MEANT))
    removal = read(ops)
    assert removal is not None
    assert (removal.is_meant, removal.by, removal.reason) == (
        True,
        "Grace",
        "replaced by the store",
    )


@pytest.mark.parametrize(
    "other",
    [{"App": "cart"}, {"Environment": "staging"}, {DECOMMISSIONED: "prod/cart"}],
    ids=["another app", "another environment", "another folder"],
)
def test_what_is_said_of_another_one_is_not_said_of_this_one(
    origin: Origin, ops: OpsRepository, other: dict[str, str]
) -> None:
    remove(origin, message=with_trailers("shop leaves prod", MEANT | other))
    removal = read(ops)
    assert removal is not None
    assert not removal.is_meant


def test_that_it_was_meant_once_does_not_count_after_it_came_back(
    origin: Origin, ops: OpsRepository
) -> None:
    remove(origin, message=with_trailers("shop leaves prod", MEANT))
    origin.commit(FILES)
    assert read(ops) is None
    commit = remove(origin)
    removal = read(ops)
    assert removal is not None
    assert (removal.commit, removal.is_meant) == (commit, False)


def test_what_was_removed_file_by_file_counts_from_the_last_one(
    origin: Origin, ops: OpsRepository
) -> None:
    remove(origin, "prod/shop/rollout.yaml")
    assert read(ops) is None
    commit = remove(origin, "prod/shop/web.yaml", "prod/shop/patches")
    removal = read(ops)
    assert removal is not None
    assert removal.commit == commit


def test_a_whole_environment_that_is_renamed_has_left(origin: Origin, ops: OpsRepository) -> None:
    origin.work.mv("prod", "production")
    commit = origin.commit_tree()
    for app in ("shop", "cart"):
        removal = read(ops, AppEnvironment(app=app, environment="prod"))
        assert removal is not None
        assert removal.commit == commit


@pytest.mark.parametrize("files", [{}, {"prod/none/notes.md": b"notes"}], ids=["never", "no app"])
def test_what_was_never_an_app_has_not_left(
    origin: Origin, ops: OpsRepository, files: dict[str, bytes]
) -> None:
    origin.commit(files)
    if files:
        remove(origin, "prod/none")
    assert read(ops, AppEnvironment(app="none", environment="prod")) is None


def test_what_another_agent_applied_is_not_shipways(origin: Origin, ops: OpsRepository) -> None:
    external = ROLLOUT + b"agent: external\ncluster: west\n"
    origin.commit({"prod/shop/rollout.yaml": external})
    remove(origin)
    removal = read(ops)
    assert removal is not None
    assert (removal.is_ours, removal.cluster) == (False, "west")


def test_a_rollout_that_cannot_be_read_says_nothing_of_where_the_objects_are(
    origin: Origin, ops: OpsRepository
) -> None:
    origin.commit({"prod/shop/rollout.yaml": b"strategy: none\n"})
    remove(origin)
    assert read(ops) is None


def test_a_history_contains_what_it_was_made_of_and_nothing_else(
    origin: Origin, ops: OpsRepository, start: str
) -> None:
    tip = remove(origin)

    def contains(commits: Sequence[str]) -> list[bool]:
        return ops.consult(SHOP, lambda _, history: [history.contains(one) for one in commits])

    assert contains([start, tip, "f" * 40, ""]) == [True, True, False, False]


def removal(*, is_meant: bool = False) -> Removal:
    return Removal(
        app_environment=SHOP,
        commit="c" * 40,
        at=AT,
        by="Ada",
        is_meant=is_meant,
        namespace="shop",
        cluster="prod",
        is_ours=True,
    )


@pytest.mark.parametrize(
    ("gone", "left", "waits"),
    [(1, 1, False), (1, 0, True), (2, 2, False), (3, 2, True), (1, 9, False), (5, 0, True)],
)
def test_no_more_go_at_once_than_are_left_unless_it_is_meant(
    gone: int, left: int, *, waits: bool
) -> None:
    by_hand = why_it_waits(removal(), gone=gone, left=left, all_answer=True, claimed_by=None)
    assert bool(by_hand) == waits
    if waits:
        assert f"of prod, {gone} apps are gone and {left} are left" in by_hand
        assert "`shipway decommission shop prod " in by_hand
    meant = removal(is_meant=True)
    assert why_it_waits(meant, gone=gone, left=left, all_answer=True, claimed_by=None) == ""


def test_where_not_all_is_known_only_what_is_meant_goes() -> None:
    for is_meant, waits in ((False, True), (True, False)):
        one = removal(is_meant=is_meant)
        why = why_it_waits(one, gone=1, left=9, all_answer=False, claimed_by=None)
        assert bool(why) == waits


@pytest.mark.parametrize("is_meant", [True, False])
def test_what_another_folder_may_have_waits_even_if_it_is_meant(*, is_meant: bool) -> None:
    one = removal(is_meant=is_meant)
    why = why_it_waits(one, gone=1, left=9, all_answer=True, claimed_by="stage/shop")
    assert why == "stage/shop has the namespace shop too, and is not applied"


@pytest.mark.parametrize("minutes", [-30, 0, 30])
def test_the_grace_counts_from_the_later_of_commit_and_look(minutes: int) -> None:
    seen, grace = AT + timedelta(minutes=minutes), timedelta(hours=1)
    assert goes_at(removal(), seen, grace) == max(AT, seen) + grace


@pytest.mark.parametrize(
    ("text", "namespace", "claimed"),
    [(ROLLOUT, "shop", True), (ROLLOUT, "cart", False), (b"strategy: none\n", "cart", True)],
    ids=["the same", "another", "unreadable"],
)
def test_a_folder_claims_the_namespace_that_it_names_or_may_name(
    origin: Origin, ops: OpsRepository, text: bytes, namespace: str, *, claimed: bool
) -> None:
    origin.commit({"prod/shop/rollout.yaml": text})
    assert claims(ops.fetch(SHOP), namespace) == claimed
