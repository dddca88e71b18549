from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.rollout.promotion import released_in
from shipway.rollout.releases import Releases, revision_of
from shipway.rollout.target import target_of
from tests.support.app_environments import SHOP
from tests.support.origin import Origin
from tests.support.people import Merger, Person
from tests.support.rolling_environment import RollingEnvironment, image
from tests.support.run_contexts import run_context

AT = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.fixture
def shop(origin: Origin, tmp_path: Path) -> RollingEnvironment:
    environment = RollingEnvironment(origin, Origin(tmp_path / "app"))
    for number, revision in enumerate((environment.older, environment.newer), 1):
        environment.run = run_context(number)
        environment.release(revision, image(number))
    return environment


def promoted(folder: OpsFolder, history: History) -> tuple[str, str]:
    target = target_of(folder)
    releases = Releases(folder, target, history)
    found = released_in(target, (ran.commit for ran in releases.newest_first))
    return str(found.image), found.commit.trailers["Revision"]


def test_what_is_promoted_is_known_after_a_squash(shop: RollingEnvironment) -> None:
    Merger(shop.origin).squash("Release (#7)")
    assert shop.ops.consult(SHOP, promoted) == (str(image(2)), shop.newer.commit)


def test_what_is_promoted_is_known_after_a_revert(shop: RollingEnvironment) -> None:
    Person(shop.origin).revert("HEAD")
    assert shop.ops.consult(SHOP, promoted) == (str(image(1)), shop.older.commit)


def test_the_history_is_read_no_further_than_somebody_asks(shop: RollingEnvironment) -> None:
    for number in range(40):
        shop.origin.commit({"prod/cart/web.yaml": f"{number}".encode()}, f"{number}")
        shop.origin.work.read_tree("--reset", "main")

    def trees(_folder: OpsFolder, history: History) -> int:
        mirror = history._mirror
        before = len(mirror._contents)
        next(iter(history.versions))
        return len(mirror._contents) - before

    # Of the commits of others, nothing is kept: the folder's tree and its files.
    assert shop.ops.consult(SHOP, trees) <= 4


def test_a_revision_is_known_without_its_repository(shop: RollingEnvironment) -> None:
    def last(folder: OpsFolder, history: History) -> dict[str, str]:
        return Releases(folder, target_of(folder), history).last

    assert revision_of(shop.ops.consult(SHOP, last), AT) == shop.newer


@pytest.mark.parametrize("said", [{}, {"Revision-Date": "yesterday"}, {"Revision-Date": ""}])
def test_of_an_unknown_revision_the_commits_time_is_known(said: dict[str, str]) -> None:
    assert (revision_of(said, AT).commit, revision_of(said, AT).at) == ("unknown", AT)
