"""State from Git, not trailers.

Each input is a history in which somebody changed the files by hand, with messages that say nothing
of it or something else: where a rollback leads, and what it puts on hold, is what the files said
before. What somebody took back is not what ran before.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from shipway.errors import RefuseError
from tests.support.blue_green_environment import BlueGreenEnvironment
from tests.support.origin import Origin
from tests.support.people import Merger, Person
from tests.support.rolling_environment import ROLLOUT, WEB, RollingEnvironment, image
from tests.support.run_contexts import run_context

RECORD = "prod/shop/RELEASE"
FOLDER = "prod/shop"


@pytest.fixture
def shop(origin: Origin, tmp_path: Path) -> RollingEnvironment:
    environment = RollingEnvironment(origin, Origin(tmp_path / "app"))
    environment.origin.commit({"prod/shop/rollout.yaml": ROLLOUT + b"order: any\n"})
    return environment


@pytest.fixture
def person(shop: RollingEnvironment) -> Person:
    return Person(shop.origin)


def release(shop: RollingEnvironment, *numbers: int, old: bool = False) -> str:
    """Release images, each by a run of its own; `old` is how it was before there was a record."""
    revisions = {1: shop.older, 2: shop.newer, 3: shop.beside}
    for number in numbers:
        shop.run = run_context(int(shop.run.link.rpartition("/")[2]) + 1)
        shop.release(revisions.get(number, shop.newer), image(number))
        if old:
            message = str(shop.origin.bare.git.log("-1", "--format=%B", "main"))
            Merger(shop.origin).squash(message, without=RECORD)
    return shop.origin.tip()


def back(shop: RollingEnvironment, to: str | None = None) -> tuple[int, str]:
    """Where a rollback leads, and which revision it puts on hold."""
    shop.run = run_context(int(shop.run.link.rpartition("/")[2]) + 1)
    holds = shop.holds()
    target = shop.roll_back(to).target
    (held,) = shop.holds()[len(holds) :]
    assert held == target.from_revision
    digest = str(target.image.digest)
    assert str(target.image) in shop.web().decode()
    return int(digest[-1]), held


Story = Callable[[RollingEnvironment, Person, bool], None]


def revert_newest(shop: RollingEnvironment, person: Person, old: bool) -> None:
    release(shop, 1, 2, 3, old=old)
    person.revert("HEAD")


def revert_two(shop: RollingEnvironment, person: Person, old: bool) -> None:
    release(shop, 1, 2, 3, 4, old=old)
    person.revert("HEAD")
    person.revert("HEAD~2")


def revert_two_at_once(shop: RollingEnvironment, person: Person, old: bool) -> None:
    release(shop, 1, 2, 3, 4, old=old)
    person.revert("HEAD~2..HEAD", "--no-commit")
    person.git.commit("--quiet", "--message", "Back to what worked")
    person.push()


def revert_with_its_trailers(shop: RollingEnvironment, person: Person, old: bool) -> None:
    tip = release(shop, 1, 2, 3, old=old)
    message = str(shop.origin.bare.git.log("-1", "--format=%B", tip))
    person.pull()
    person.git.revert("--no-commit", "HEAD")
    # As the description of a pull request that reverts.
    person.git.commit("--quiet", "--message", f"Revert\n\n{message}")
    person.push()


def restore_the_manifest_alone(shop: RollingEnvironment, person: Person, old: bool) -> None:
    release(shop, 1, 2, old=old)
    before = shop.web()
    release(shop, 3, old=old)
    person.edit({f"{FOLDER}/web.yaml": before})


def edit_something_else_meanwhile(shop: RollingEnvironment, person: Person, old: bool) -> None:
    release(shop, 1, 2, 3, old=old)
    person.edit({f"{FOLDER}/notes.txt": b"1", "prod/cart/web.yaml": b"2"})
    person.revert("HEAD~1")
    person.edit({f"{FOLDER}/web.yaml": shop.web().replace(b"# then", b"# now")})


@pytest.mark.parametrize("old", [False, True], ids=["with a record", "trailers alone"])
@pytest.mark.parametrize(
    "story",
    [
        revert_newest,
        revert_two,
        revert_two_at_once,
        revert_with_its_trailers,
        restore_the_manifest_alone,
        edit_something_else_meanwhile,
    ],
)
def test_what_was_reverted_by_hand_is_not_gone_back_to(
    shop: RollingEnvironment, person: Person, story: Story, *, old: bool
) -> None:
    story(shop, person, old)
    assert back(shop) == (1, shop.newer.commit)


@pytest.mark.parametrize("old", [False, True], ids=["with a record", "trailers alone"])
def test_before_a_release_ran_what_somebody_had_reverted_to(
    shop: RollingEnvironment, person: Person, *, old: bool
) -> None:
    release(shop, 1, 2, old=old)
    person.revert("HEAD")
    release(shop, 3, old=old)
    assert back(shop) == (1, shop.beside.commit)
    # There is nothing before it, but for what was taken back.
    with pytest.raises(RefuseError, match="There is no release to go back to"):
        back(shop)


def test_what_was_reverted_is_gone_back_to_where_somebody_says_so(
    shop: RollingEnvironment, person: Person
) -> None:
    release(shop, 1, 2)
    person.revert("HEAD")
    assert back(shop, shop.newer.short) == (2, shop.older.commit)


def test_a_revert_of_a_revert_is_the_release_again(
    shop: RollingEnvironment, person: Person
) -> None:
    release(shop, 1, 2)
    person.revert("HEAD")
    person.revert("HEAD")
    assert back(shop) == (1, shop.newer.commit)


def test_a_reverted_rollback_is_no_rollback(shop: RollingEnvironment, person: Person) -> None:
    release(shop, 1, 2, 3)
    assert back(shop) == (2, shop.beside.commit)
    person.revert("HEAD")
    assert shop.holds() == []
    assert back(shop) == (2, shop.beside.commit)
    assert back(shop) == (1, shop.newer.commit)


def test_a_second_release_of_an_earlier_image_is_no_way_back(shop: RollingEnvironment) -> None:
    release(shop, 1, 2, 1)
    assert back(shop) == (2, shop.older.commit)


def test_an_image_that_somebody_put_there_ran(shop: RollingEnvironment, person: Person) -> None:
    release(shop, 1)
    person.edit({f"{FOLDER}/web.yaml": WEB.replace(b"shop:0", str(image(9)).encode())})
    release(shop, 2)
    assert back(shop) == (9, shop.newer.commit)
    # Nobody knows of which revision it is; the last one that is known is still the fence.
    release(shop, 3)


def test_an_image_that_somebody_put_there_is_left(shop: RollingEnvironment, person: Person) -> None:
    release(shop, 1, 2)
    person.edit({f"{FOLDER}/web.yaml": WEB.replace(b"shop:0", str(image(9)).encode())})
    assert back(shop) == (2, "unknown")


@pytest.mark.parametrize("touched", [False, True], ids=["elsewhere", "in the folder"])
def test_a_pull_makes_no_other_past(
    shop: RollingEnvironment, person: Person, *, touched: bool
) -> None:
    release(shop, 1)
    person.pull()
    place = f"{FOLDER}/notes.txt" if touched else "prod/cart/web.yaml"
    person.commit({place: b"mine"})
    release(shop, 2, 3)
    # The line of releases is the second parent of this merge.
    person.git.pull("--quiet", "--no-rebase", "--no-edit", "origin", "main")
    person.push()
    assert back(shop) == (2, shop.beside.commit)


def test_a_folder_that_was_taken_away_and_put_back(
    shop: RollingEnvironment, person: Person
) -> None:
    release(shop, 1, 2)
    person.pull()
    person.git.rm("-r", "--quiet", FOLDER)
    person.git.commit("--quiet", "--message", "gone")
    person.push()
    person.revert("HEAD")
    assert back(shop) == (1, shop.newer.commit)


def test_a_manifest_that_could_not_be_read_never_ran(
    shop: RollingEnvironment, person: Person
) -> None:
    release(shop, 1)
    person.edit({f"{FOLDER}/web.yaml": b"kind: [\n"})
    person.revert("HEAD")
    release(shop, 2)
    assert back(shop) == (1, shop.newer.commit)


@pytest.mark.parametrize("reverted", [True, False])
def test_the_fence_is_what_the_files_say(origin: Origin, tmp_path: Path, *, reverted: bool) -> None:
    shop = RollingEnvironment(origin, Origin(tmp_path / "app"))
    person = Person(shop.origin)
    release(shop, 1)
    release(shop, 2)
    if reverted:
        person.revert("HEAD")
        shop.release(shop.beside, image(3))
    else:
        with pytest.raises(RefuseError, match="a revision that this one does not contain"):
            shop.release(shop.beside, image(3))


def test_a_switch_that_was_reverted_never_ran(origin: Origin, tmp_path: Path) -> None:
    shop = BlueGreenEnvironment(origin, Origin(tmp_path / "app"))
    shop.release(1)
    shop.run = run_context(2)
    shop.release(2)
    person = Person(shop.origin)
    for back in ("HEAD", "HEAD~2", "HEAD~4"):
        person.revert(back)
    shop.run = run_context(3)
    shop.release(3)
    shop.run = run_context(4)
    assert shop.roll_back().target.image == image(1)


def test_a_version_that_was_only_prepared_never_ran(origin: Origin, tmp_path: Path) -> None:
    shop = BlueGreenEnvironment(origin, Origin(tmp_path / "app"))
    shop.release(1)
    shop.run = run_context(2)
    shop.commit(2, "1/3 prepare green")
    shop.run = run_context(3)
    shop.release(3)
    shop.run = run_context(4)
    assert shop.roll_back().target.image == image(1)
