from __future__ import annotations

from pathlib import Path

import pytest

from shipway.config.holds import holds_in
from shipway.errors import RefuseError
from shipway.image_ref import ImageRef
from shipway.rollback.target import RollbackTarget
from tests.support.app_environments import SHOP
from tests.support.ops_commits import ops_commits
from tests.support.origin import Origin
from tests.support.rolling_environment import RollingEnvironment, image
from tests.support.run_contexts import run_context


@pytest.fixture
def environment(origin: Origin, tmp_path: Path) -> RollingEnvironment:
    return RollingEnvironment(origin, Origin(tmp_path / "app"))


def test_a_rollback_is_one_commit_with_the_earlier_bytes_and_a_hold(
    environment: RollingEnvironment,
) -> None:
    environment.release(environment.older, image(1))
    before = environment.web()
    tip = environment.release(environment.newer, image(2)).commit
    environment.run = run_context(2)
    rollback = environment.roll_back()
    assert rollback.target == RollbackTarget(
        revision=environment.older,
        image=image(1),
        from_revision=environment.newer.commit,
        from_image=str(image(2)),
    )
    commit = rollback.commit
    assert commit.new
    assert environment.web() == before
    assert environment.origin.changed(tip, commit.commit) == [
        "M\tprod/shop/RELEASE",
        "A\tprod/shop/holds.yaml",
        "M\tprod/shop/web.yaml",
    ]
    found = holds_in(environment.ops.fetch(SHOP).files).holds
    assert [(one.image, one.revision, one.reason, one.by) for one in found] == [
        (str(image(2)), environment.newer.commit, "it fails", "Ada")
    ]
    for key, value in (
        ("Rollback-From", environment.newer.commit),
        ("Revision", environment.older.commit),
        ("Image", str(image(1))),
        ("Held", str(image(2))),
        ("Reason", "it fails"),
        ("By", "Ada"),
    ):
        assert environment.trailer(commit.commit, key) == [value]


def test_what_was_rolled_back_is_refused_until_its_hold_is_cleared(
    environment: RollingEnvironment,
) -> None:
    environment.release(environment.older, image(1))
    environment.release(environment.newer, image(2))
    environment.run = run_context(2)
    tip = environment.roll_back().commit.commit
    with pytest.raises(
        RefuseError, match="This image was rolled back here and is on hold"
    ) as caught:
        environment.release(environment.newer, image(2))
    assert "held by Ada at " in str(caught.value.facts["got"])
    with pytest.raises(RefuseError, match="on hold"):
        environment.release(environment.newer, image(2), downgrade=True)
    assert environment.origin.tip() == tip
    environment.run = run_context(3)
    cleared = environment.clear_hold(environment.newer.short, "mended", "Grace")
    assert environment.origin.changed(tip, cleared.commit) == ["D\tprod/shop/holds.yaml"]
    assert environment.trailer(cleared.commit, "Hold-Cleared") == [str(image(2))]
    environment.run = run_context(4)
    assert environment.release(environment.newer, image(2)).new


@pytest.mark.parametrize(
    ("number", "interrupted", "named"),
    [(2, False, False), (3, True, False), (3, False, True)],
    ids=["the same run", "after a run that was interrupted", "to where it led"],
)
def test_a_rollback_in_progress_is_gone_on_with_without_a_commit(
    environment: RollingEnvironment, number: int, interrupted: bool, named: bool
) -> None:
    for release, revision in enumerate((environment.older, environment.newer), 1):
        environment.release(revision, image(release))
    environment.run = run_context(2)
    first = environment.roll_back()
    made_by = ops_commits(environment.ops, SHOP)[0].trailers["Run"]
    environment.run = run_context(number, lambda run: interrupted and run == made_by)
    again = environment.roll_back(environment.older.short if named else None)
    assert again.target == first.target.model_copy(update={"in_progress": True})
    assert (again.commit.commit, again.commit.new) == (first.commit.commit, False)


def test_a_second_rollback_goes_further_back_and_not_to_what_is_held(
    environment: RollingEnvironment,
) -> None:
    revisions = [environment.older, environment.newer, environment.beside]
    for number, revision in enumerate(revisions, 1):
        environment.release(revision, image(number), downgrade=True)
    found: list[ImageRef] = []
    for number in (2, 3):
        environment.run = run_context(number)
        found.append(environment.roll_back().target.image)
    assert found == [image(2), image(1)]
    assert environment.holds() == [environment.beside.commit, environment.newer.commit]
    environment.run = run_context(4)
    with pytest.raises(RefuseError, match="There is no release to go back to"):
        environment.roll_back()


def test_a_rollback_can_name_its_target(environment: RollingEnvironment) -> None:
    for number, revision in enumerate(
        [environment.older, environment.newer, environment.beside], 1
    ):
        environment.release(revision, image(number), downgrade=True)
    environment.run = run_context(2)
    assert environment.roll_back(environment.older.short).target.image == image(1)
    environment.run = run_context(3)
    with pytest.raises(RefuseError) as caught:
        environment.roll_back("f00")
    assert caught.value.what == "There is no release to go back to of f00."
    assert environment.older.commit[:12] in str(caught.value.facts["got"])


def test_without_a_release_there_is_nothing_to_go_back_to(environment: RollingEnvironment) -> None:
    with pytest.raises(RefuseError) as caught:
        environment.roll_back()
    assert caught.value.facts["got"] == "no release at all"
    assert environment.origin.tip() == environment.start
