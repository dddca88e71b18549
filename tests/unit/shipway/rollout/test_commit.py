from __future__ import annotations

from pathlib import Path

import pytest

from shipway.errors import RefuseError
from shipway.release import Release
from shipway.rollout.commit import commit_release
from shipway.rollout.frozen import FrozenError
from tests.support.mistakes import tell_of_error
from tests.support.origin import Origin
from tests.support.rolling_environment import ROLLOUT, WEB, RollingEnvironment, image
from tests.support.run_contexts import run_context

MISTAKES = {
    "older": "a revision that is older than the one that runs",
    "beside": "a revision of another branch",
}


@pytest.fixture
def environment(origin: Origin, tmp_path: Path) -> RollingEnvironment:
    return RollingEnvironment(origin, Origin(tmp_path / "app"))


def test_a_release_is_one_commit_that_changes_the_images_and_the_record_alone(
    environment: RollingEnvironment,
) -> None:
    found = environment.release(environment.newer, image(1))
    assert (found.commit, found.new) == (environment.origin.tip(), True)
    assert environment.origin.changed(environment.start, found.commit) == [
        "A\tprod/shop/RELEASE",
        "M\tprod/shop/web.yaml",
    ]
    assert environment.web() == WEB.replace(b"shop:0", str(image(1)).encode())


def test_the_trailers_of_the_commit_are_the_release_history(
    environment: RollingEnvironment,
) -> None:
    commit = environment.release(environment.newer, image(1)).commit
    revision = environment.newer.commit
    assert environment.origin.bare.git.log("-1", "--format=%s%n%(trailers)", commit).rstrip() == (
        f"shop {revision[:7]} → prod\n"
        f"Release: shop/prod/{revision[:12]}\n"
        "App: shop\n"
        "Environment: prod\n"
        f"Revision: {revision}\n"
        f"Revision-Date: {environment.newer.at.isoformat()}\n"
        f"Image: {image(1)}\n"
        "Step: 1/1 rolling\n"
        f"Run: {environment.run.link}"
    )


def test_a_release_and_a_way_back_say_what_changed(environment: RollingEnvironment) -> None:
    older, newer = environment.older, environment.newer
    assert environment.release(older, image(1)).what_changed is None
    released = environment.release(newer, image(2))
    assert released.what_changed is not None
    assert [change.commit for change in released.what_changed.added.newest] == [newer.commit]
    line = f"- {newer.short} change (Ada)\n"
    message = str(environment.origin.bare.commit(released.commit).message)
    assert f"\n\nNew since {older.short}:\n{line}\nRelease: " in message
    assert environment.release(newer, image(2)).what_changed is None
    environment.run = run_context(2)
    back = environment.roll_back().commit
    message = str(environment.origin.bare.commit(back.commit).message)
    assert f"Back from {newer.short}, which takes back:\n{line}\nRelease: " in message
    assert back.what_changed is not None


def test_the_same_release_again_is_no_commit(environment: RollingEnvironment) -> None:
    first = environment.release(environment.newer, image(1))
    environment.run = run_context(2)
    again = environment.release(environment.newer, image(1))
    assert (again.commit, again.new) == (first.commit, False)
    assert environment.origin.tip() == first.commit


def test_a_run_that_died_after_its_push_finds_its_own_commit(
    environment: RollingEnvironment,
) -> None:
    first = environment.release(environment.newer, image(1))
    again = environment.release(environment.newer, image(1))
    assert (again.commit, again.new) == (first.commit, True)
    assert environment.origin.tip() == first.commit


def test_a_newer_revision_follows_an_older_one(environment: RollingEnvironment) -> None:
    environment.release(environment.older, image(1))
    assert environment.release(environment.newer, image(2)).new
    assert environment.web() == WEB.replace(b"shop:0", str(image(2)).encode())


@pytest.mark.mistake
@pytest.mark.parametrize(
    ("which", "remedy"),
    [
        (
            "older",
            "nothing, if {} is meant to be there: it contains this revision; `--downgrade` goes "
            "back on purpose",
        ),
        (
            "beside",
            "release a revision that contains it; or `--downgrade` to go back on purpose; or set "
            "`order: any` in rollout.yaml where releases come from several branches",
        ),
    ],
)
async def test_a_revision_that_lacks_the_recorded_one_is_fenced_off(
    environment: RollingEnvironment, which: str, remedy: str
) -> None:
    tip = environment.release(environment.newer, image(1)).commit
    at = environment.origin.bare.commit(tip).committed_datetime
    revision = getattr(environment, which)
    with pytest.raises(RefuseError) as caught:
        environment.release(revision, image(2))
    assert str(caught.value) == (
        "The environment already has a revision that this one does not contain.\n"
        f"  where:     prod/shop at {tip[:7]}\n"
        f"  expected:  a revision that contains {environment.newer.commit}\n"
        f"  got:       {revision.commit}\n"
        f"             {environment.newer.short} won, at {at.isoformat()}: "
        f"{environment.run.link}\n"
        "  untouched: the ops repository and the cluster\n"
        f"  remedy:    {remedy.format(environment.newer.short)}"
    )
    await tell_of_error(MISTAKES[which], caught.value)
    assert environment.origin.tip() == tip


def test_an_older_revision_is_fenced_off_even_where_there_is_nothing_to_change(
    environment: RollingEnvironment,
) -> None:
    environment.release(environment.newer, image(1))
    with pytest.raises(RefuseError, match="already has a revision"):
        environment.release(environment.older, image(1))


@pytest.mark.parametrize("which", ["older", "beside"])
def test_a_downgrade_on_purpose_is_let_through_and_marked(
    environment: RollingEnvironment, which: str
) -> None:
    first = environment.release(environment.newer, image(1))
    found = environment.release(getattr(environment, which), image(2), downgrade=True)
    assert environment.trailer(found.commit, "Downgrade-From") == [environment.newer.commit]
    assert environment.trailer(first.commit, "Downgrade-From") == []


def test_where_any_order_goes_an_unrelated_revision_is_let_through_and_marked(
    environment: RollingEnvironment,
) -> None:
    environment.origin.commit({"prod/shop/rollout.yaml": ROLLOUT + b"order: any\n"})
    environment.release(environment.newer, image(1))
    found = environment.release(environment.beside, image(2))
    assert environment.trailer(found.commit, "Downgrade-From") == [environment.newer.commit]


@pytest.mark.mistake
async def test_a_frozen_environment_takes_no_release(environment: RollingEnvironment) -> None:
    tip = environment.freeze()
    with pytest.raises(RefuseError) as caught:
        environment.release(environment.newer, image(1))
    assert str(caught.value) == (
        "shop in prod is frozen.\n"
        f"  where:     prod/freeze.yaml at {tip[:7]}\n"
        "  expected:  a change after 2126-01-01 00:00 UTC\n"
        "  got:       frozen by Ada: the holidays\n"
        "  untouched: the ops repository and the cluster\n"
        "  remedy:    start it again after that; `--override-freeze REASON` goes on now, and the "
        "commit says why"
    )
    await tell_of_error("a release to a frozen environment", caught.value)
    assert environment.origin.tip() == tip


@pytest.mark.parametrize(("more", "waits"), [("", False), ("releases: wait, ", True)])
def test_what_only_a_freeze_refuses_is_known_as_that(
    environment: RollingEnvironment, more: str, *, waits: bool
) -> None:
    environment.release(environment.newer, image(1))
    environment.freeze(more)
    with pytest.raises(RefuseError, match="does not contain"):
        environment.release(environment.older, image(2))
    with pytest.raises(FrozenError) as caught:
        environment.release(environment.older, image(2), downgrade=True)
    assert caught.value.frozen.waits is waits
    assert caught.value.frozen.words == "frozen until 2126-01-01 00:00 UTC by Ada: the holidays"


def test_a_freeze_that_is_overridden_is_marked_with_the_reason(
    environment: RollingEnvironment,
) -> None:
    why = {"override_freeze": "the shop is down\nBy: nobody"}
    before = environment.release(environment.older, image(1), **why)
    environment.freeze()
    found = environment.release(environment.newer, image(2), **why)
    key = "Freeze-Override"
    assert environment.trailer(found.commit, key) == ["the shop is down By: nobody"]
    assert environment.trailer(before.commit, key) == []


@pytest.mark.parametrize("blank", ["", " \n"])
def test_a_freeze_is_not_overridden_without_a_reason(
    environment: RollingEnvironment, blank: str
) -> None:
    environment.freeze()
    with pytest.raises(RefuseError, match="is frozen"):
        environment.release(environment.newer, image(1), override_freeze=blank)


def test_what_was_begun_before_a_freeze_is_finished_and_the_way_back_stays_open(
    environment: RollingEnvironment,
) -> None:
    environment.release(environment.older, image(1))
    environment.release(environment.newer, image(2))
    frozen = environment.freeze()
    environment.run = run_context(2)
    assert not environment.release(environment.newer, image(2)).new
    assert environment.origin.tip() == frozen
    assert environment.roll_back().commit.new
    with pytest.raises(RefuseError, match="is frozen"):
        environment.release(environment.newer, image(3))


def test_a_freeze_of_other_apps_and_a_file_of_that_name_elsewhere_are_nothing_to_it(
    environment: RollingEnvironment,
) -> None:
    environment.freeze("apps: [cart], ")
    environment.origin.commit({"prod/shop/freeze.yaml": b"", "freeze.yaml": b"no freeze"})
    assert environment.release(environment.newer, image(1)).new


def test_freezes_that_cannot_be_read_refuse_every_release(environment: RollingEnvironment) -> None:
    environment.origin.commit({"prod/freeze.yaml": b"frezes: []\n"})
    with pytest.raises(RefuseError, match="did you mean 'freezes'") as caught:
        environment.release(environment.newer, image(1), override_freeze="now")
    assert caught.value.facts["where"] == "prod/freeze.yaml:1"


def test_a_release_edits_the_tip_as_it_is_now_and_not_as_it_was_read(
    environment: RollingEnvironment,
) -> None:
    target, step = environment.target(), environment.step(image(1))
    by_hand = WEB.replace(b"# then", b"# by hand")
    theirs = environment.origin.commit({"prod/shop/web.yaml": by_hand})
    release = Release(revision=environment.newer, image=image(1))
    ops, source, run = environment.ops, environment.source, environment.run
    found = commit_release(ops, source, target, step, release, {}, run)
    assert environment.origin.bare.commit(found.commit).parents[0].hexsha == theirs
    assert environment.web() == by_hand.replace(b"shop:0", str(image(1)).encode())
