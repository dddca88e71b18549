"""That a release is done: where somebody waits for it, once, and only of what is there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from shipway.errors import RefuseError
from shipway.git.record import record_in
from shipway.git.revision import Revision
from shipway.history.changes import changes_in
from shipway.image_ref import ImageRef
from shipway.release import Release
from shipway.rollout.done import commit_done, is_awaited
from shipway.rollout.result import StepCommit
from tests.support.app_environments import SHOP
from tests.support.origin import Origin
from tests.support.rolling_environment import ROLLOUT, RollingEnvironment, image
from tests.support.run_contexts import run_context


@pytest.fixture
def shop(origin: Origin, tmp_path: Path) -> RollingEnvironment:
    return RollingEnvironment(origin, Origin(tmp_path / "app"))


@pytest.mark.parametrize(
    ("promotion", "awaited"),
    [
        ("promotion: {source: prod, by_itself: true}\n", True),
        ("promotion: {source: [qa, prod], by_itself: true}\n", True),
        ("promotion: {source: prod}\n", False),
        ("promotion: {source: qa, by_itself: true}\n", False),
        ("promotion: {sauce: prod, by_itself: true}\n", False),
        ("", False),
    ],
)
def test_it_is_awaited_by_promotions_that_start_by_themselves(
    shop: RollingEnvironment, promotion: str, *, awaited: bool
) -> None:
    shop.origin.commit({"asia/shop/rollout.yaml": ROLLOUT + promotion.encode()})
    # Another app is no concern of this one.
    other = b"promotion: {source: prod, by_itself: true}\n"
    shop.origin.commit({"asia/cart/rollout.yaml": ROLLOUT + other})
    assert is_awaited(shop.ops, shop.target()) == awaited


def done(shop: RollingEnvironment, revision: Revision, desired: ImageRef) -> StepCommit:
    release = Release(revision=revision, image=desired)
    notes = {"Gates": "errors: 0"}
    return commit_done(shop.ops, shop.source, shop.target(), release, notes, shop.run)


def test_it_is_one_commit_that_changes_the_record_alone(shop: RollingEnvironment) -> None:
    shop.release(shop.older, image(1))
    before = shop.origin.tip()
    made = done(shop, shop.older, image(1))
    assert made.new
    assert shop.origin.changed(before, made.commit) == ["M\tprod/shop/RELEASE"]
    said = record_in(shop.ops.fetch(SHOP).files)
    assert (said["Step"], said["Gates"], said["Image"]) == ("done", "errors: 0", str(image(1)))
    shop.run = run_context(2)
    assert not done(shop, shop.older, image(1)).new
    shop.release(shop.newer, image(2))
    assert done(shop, shop.newer, image(2)).new


def test_what_somebody_has_taken_over_is_not_done(shop: RollingEnvironment) -> None:
    shop.release(shop.older, image(1))
    shop.run = run_context(2)
    shop.release(shop.newer, image(2))
    tip = shop.origin.tip()
    with pytest.raises(RefuseError, match="a revision that this one does not contain"):
        done(shop, shop.older, image(1))
    assert shop.origin.tip() == tip


def test_it_is_a_step_of_the_release_and_no_release_of_its_own(shop: RollingEnvironment) -> None:
    for number, revision in ((1, shop.older), (2, shop.newer)):
        shop.run = run_context(number)
        shop.release(revision, image(number))
        done(shop, revision, image(number))
    long_ago = datetime.min.replace(tzinfo=UTC)
    kinds = [change.kind for change in changes_in(shop.ops, SHOP.environment, SHOP.app, long_ago)]
    assert sorted(kinds) == ["deployment", "deployment", "step", "step"]
    shop.run = run_context(3)
    assert shop.roll_back().target.image == image(1)
    assert record_in(shop.ops.fetch(SHOP).files)["Step"] != "done"
