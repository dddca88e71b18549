from __future__ import annotations

from pathlib import Path

import pytest

from shipway.app_environment import AppEnvironment
from shipway.errors import RefuseError
from shipway.rollout.explained import Explained, explain
from tests.support.app_environments import SHOP
from tests.support.origin import Origin
from tests.support.people import Merger
from tests.support.rolling_environment import RollingEnvironment, image
from tests.support.run_contexts import run_context


@pytest.fixture
def shop(origin: Origin, tmp_path: Path) -> RollingEnvironment:
    return RollingEnvironment(origin, Origin(tmp_path / "app"))


def explained(shop: RollingEnvironment) -> Explained:
    return shop.ops.consult(SHOP, explain)


def test_a_release_is_explained_by_its_own_commits(shop: RollingEnvironment) -> None:
    shop.release(shop.older, image(1))
    shop.run = run_context(2)
    commit = shop.release(shop.newer, image(2)).commit
    found = explained(shop)
    assert found.deployed.revision == shop.newer.commit
    (step,) = found.steps
    assert (step.commit, step.said["Step"]) == (commit, "1/1 rolling")
    assert step.said["Run"] == shop.run.link


def test_a_rollback_is_explained_by_who_wanted_it_and_why(shop: RollingEnvironment) -> None:
    shop.release(shop.older, image(1))
    shop.release(shop.newer, image(2))
    shop.roll_back()
    step, *_ = explained(shop).steps
    assert (step.said["By"], step.said["Reason"]) == ("Ada", "it fails")
    assert step.said["Rollback-From"] == shop.newer.commit


def test_a_squash_loses_no_reason(shop: RollingEnvironment) -> None:
    shop.release(shop.newer, image(1))
    Merger(shop.origin).squash("Release (#7)")
    (step,) = explained(shop).steps
    assert step.said["Revision"] == shop.newer.commit


def test_what_somebody_did_by_hand_is_explained_by_its_commit_alone(
    shop: RollingEnvironment,
) -> None:
    shop.release(shop.older, image(1))
    web = shop.web().replace(str(image(1)).encode(), str(image(2)).encode())
    commit = shop.origin.commit({"prod/shop/web.yaml": web})
    (step,) = explained(shop).steps
    assert (step.commit, step.said) == (commit, {})


def test_before_the_first_release_there_is_the_commit_that_made_the_folder(
    shop: RollingEnvironment,
) -> None:
    (step,) = explained(shop).steps
    assert (step.commit, step.said) == (shop.start, {})


def test_a_folder_that_is_not_there_is_refused(shop: RollingEnvironment) -> None:
    with pytest.raises(RefuseError, match=r"rollout\.yaml"):
        shop.ops.consult(AppEnvironment(app="none", environment="prod"), explain)
