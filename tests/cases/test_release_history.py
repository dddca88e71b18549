"""The history is what the files said.

Each input is a way in which somebody, or a forge, changed what ran: it is a row of the history, and
the figures count it, whatever the commits' messages say. What a rollback takes for what ran before
is what the history shows.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shipway.decommission import commit_decommission
from shipway.git.history import History
from shipway.history.change import Change
from shipway.history.changes import changes_since
from shipway.history.dora import measure
from shipway.rollback.commit import Reason
from tests.support.app_environments import SHOP
from tests.support.blue_green_environment import BlueGreenEnvironment
from tests.support.colours import folder
from tests.support.origin import Origin
from tests.support.people import Merger, Person
from tests.support.rolling_environment import ROLLOUT, WEB, RollingEnvironment, image
from tests.support.run_contexts import LINK, run_context

FOLDER = "prod/shop"
RECORD = f"{FOLDER}/RELEASE"


@pytest.fixture
def shop(origin: Origin, tmp_path: Path) -> RollingEnvironment:
    environment = RollingEnvironment(origin, Origin(tmp_path / "app"))
    environment.origin.commit({f"{FOLDER}/rollout.yaml": ROLLOUT + b"order: any\n"})
    return environment


def changes(shop: RollingEnvironment | BlueGreenEnvironment, days: float = 1) -> list[Change]:
    since = datetime.now(UTC) - timedelta(days=days)

    def ask(history: History) -> list[Change]:
        return changes_since(history, since)

    (answer,) = shop.ops.look_back("prod", "shop", since, ask)
    return answer


def rows(shop: RollingEnvironment | BlueGreenEnvironment) -> list[str]:
    """What happened, and to which image, the oldest first."""
    return [f"{one.what} {one.image[-1]}" for one in reversed(changes(shop))]


def figures(shop: RollingEnvironment | BlueGreenEnvironment) -> tuple[int, int, int]:
    until = datetime.now(UTC) + timedelta(hours=1)
    dora = measure(changes(shop), until - timedelta(days=1), until)
    return dora.deployments, dora.failed, dora.rework


class Shop:
    """The people and the forge around an environment.

    Args:
        shop: The environment.
        merged: What the forge makes of each commit of Shipway's.
    """

    def __init__(self, shop: RollingEnvironment, merged: Callable[[Merger], object]) -> None:
        self.shop, self._merged = shop, merged
        self.merger, self.person = Merger(shop.origin), Person(shop.origin)
        self._run = 0

    def _next_run(self) -> None:
        self._run += 1
        self.shop.run = run_context(self._run)

    def release(self, *numbers: int) -> None:
        revisions = {1: self.shop.older, 2: self.shop.newer, 3: self.shop.beside}
        for number in numbers:
            self._next_run()
            self.shop.release(revisions[number], image(number))
            self._merged(self.merger)

    def roll_back(self) -> None:
        self._next_run()
        self.shop.roll_back()
        self._merged(self.merger)

    def clear_hold(self, revision: str) -> None:
        self._next_run()
        self.shop.clear_hold(revision, "mended", "Grace")
        self._merged(self.merger)

    def set_image(self, number: int) -> None:
        self.person.edit(
            {f"{FOLDER}/web.yaml": WEB.replace(b"shop:0", str(image(number)).encode())}
        )

    def message(self) -> str:
        return str(self.shop.origin.bare.git.log("-1", "--format=%B", "main"))


MERGES: dict[str, Callable[[Merger], object]] = {
    "pushed": lambda merger: None,
    "title and number": lambda merger: merger.squash("shop 0123456 → prod (#7)"),
    "words of somebody": lambda merger: merger.squash("Ship it\n\nLooks good to me."),
    "a list of subjects": lambda merger: merger.squash("Release (#7)\n\n* shop → prod\n* Fix"),
    "of another release": lambda merger: merger.squash(
        f"Release\n\nApp: shop\nEnvironment: prod\nRevision: {'e' * 40}\nImage: shop@sha256:"
        f"{'7' * 64}\nStep: 1/1 rolling\nRun: {LINK}77"
    ),
    "no message": lambda merger: merger.squash("."),
    "rebased": lambda merger: merger.rebase(),
    "merged": lambda merger: merger.merge(),
}


def releases(told: Shop) -> None:
    told.release(1, 2)


def again(told: Shop) -> None:
    told.release(1, 2, 1)


def rollback(told: Shop) -> None:
    told.release(1, 2)
    told.roll_back()


def two_rollbacks(told: Shop) -> None:
    told.release(1, 2, 3)
    told.roll_back()
    told.roll_back()


def mended(told: Shop) -> None:
    rollback(told)
    told.release(3)


def cleared(told: Shop) -> None:
    rollback(told)
    told.clear_hold(told.shop.newer.short)
    told.release(2)


def reverted(told: Shop) -> None:
    told.release(1, 2)
    told.person.revert("HEAD", *_mainline(told))


def reverted_and_mended(told: Shop) -> None:
    reverted(told)
    told.release(3)


def reverted_twice(told: Shop) -> None:
    reverted(told)
    told.person.revert("HEAD")


def rollback_reverted(told: Shop) -> None:
    rollback(told)
    told.person.revert("HEAD", *_mainline(told))


def manifest_restored(told: Shop) -> None:
    told.release(1)
    before = told.shop.web()
    told.release(2)
    told.person.edit({f"{FOLDER}/web.yaml": before})


def by_hand(told: Shop) -> None:
    told.release(1)
    told.set_image(9)


def by_hand_and_back(told: Shop) -> None:
    by_hand(told)
    told.roll_back()


def edited_beside(told: Shop) -> None:
    told.release(1)
    told.person.edit({f"{FOLDER}/notes.txt": b"1", "prod/cart/web.yaml": b"2"})
    told.person.edit({f"{FOLDER}/web.yaml": told.shop.web().replace(b"# then", b"# now")})


def _mainline(told: Shop) -> tuple[str, ...]:
    """The option that a revert of a merge needs."""
    parents = str(told.shop.origin.bare.git.rev_parse("main^@")).split()
    return ("--mainline", "1") if len(parents) > 1 else ()


STEP = "1/1 rolling"
STORIES: dict[Callable[[Shop], None], tuple[list[str], tuple[int, int, int]]] = {
    releases: ([f"{STEP} 1", f"{STEP} 2"], (2, 0, 0)),
    again: ([f"{STEP} 1", f"{STEP} 2", f"downgrade {STEP} 1"], (3, 0, 0)),
    rollback: ([f"{STEP} 1", f"{STEP} 2", f"rollback {STEP} 1"], (2, 1, 0)),
    two_rollbacks: (
        [
            f"{STEP} 1",
            f"{STEP} 2",
            f"downgrade {STEP} 3",
            f"rollback {STEP} 2",
            f"rollback {STEP} 1",
        ],
        (3, 2, 0),
    ),
    mended: ([f"{STEP} 1", f"{STEP} 2", f"rollback {STEP} 1", f"{STEP} 3"], (3, 1, 1)),
    cleared: (
        [f"{STEP} 1", f"{STEP} 2", f"rollback {STEP} 1", "hold cleared 2", f"{STEP} 2"],
        (3, 1, 1),
    ),
    reverted: ([f"{STEP} 1", f"{STEP} 2", "reverted by hand 1"], (2, 1, 0)),
    reverted_and_mended: (
        [f"{STEP} 1", f"{STEP} 2", "reverted by hand 1", f"{STEP} 3"],
        (3, 1, 1),
    ),
    reverted_twice: (
        [f"{STEP} 1", f"{STEP} 2", "reverted by hand 1", "reverted by hand 2"],
        (3, 1, 1),
    ),
    rollback_reverted: (
        [f"{STEP} 1", f"{STEP} 2", f"rollback {STEP} 1", "reverted by hand 2"],
        (3, 1, 1),
    ),
    manifest_restored: ([f"{STEP} 1", f"{STEP} 2", "reverted by hand 1"], (2, 1, 0)),
    by_hand: ([f"{STEP} 1", "by hand 9"], (2, 0, 0)),
    by_hand_and_back: ([f"{STEP} 1", "by hand 9", f"rollback {STEP} 1"], (2, 1, 0)),
    edited_beside: ([f"{STEP} 1"], (1, 0, 0)),
}


ALL_WAYS = {cleared, reverted_and_mended}
# What a forge does to the message, and the ways that change the line of commits.
SOME_WAYS = ("title and number", "merged")


@pytest.mark.parametrize(
    ("story", "way"),
    [(story, way) for story in STORIES for way in (MERGES if story in ALL_WAYS else SOME_WAYS)],
)
def test_what_ran_is_told_however_it_was_merged(
    shop: RollingEnvironment, story: Callable[[Shop], None], way: str
) -> None:
    story(Shop(shop, MERGES[way]))
    expected, counted = STORIES[story]
    assert rows(shop) == expected
    assert figures(shop) == counted


def as_before(merger: Merger) -> None:
    """How it was before there was a record."""
    message = str(merger.origin.bare.git.log("-1", "--format=%B", "main"))
    merger.squash(message, without=RECORD)


@pytest.mark.parametrize("story", STORIES)
def test_before_there_was_a_record_the_messages_tell(
    shop: RollingEnvironment, story: Callable[[Shop], None]
) -> None:
    story(Shop(shop, as_before))
    expected, counted = STORIES[story]
    assert rows(shop) == expected
    assert figures(shop) == counted


@pytest.mark.parametrize("way", [way for way in MERGES if way not in {"rebased", "merged"}])
def test_a_row_says_all_that_the_record_does(shop: RollingEnvironment, way: str) -> None:
    told = Shop(shop, MERGES[way])
    rollback(told)
    back, second, _ = changes(shop)
    assert (second.revision, second.revision_at) == (shop.newer.commit, shop.newer.at)
    assert (second.what, second.run) == (STEP, f"{LINK}2")
    assert (back.kind, back.revision, back.run) == ("rollback", shop.older.commit, f"{LINK}3")
    assert (back.reason, back.by, back.failed_at) == ("it fails", "Ada", second.at)


def test_a_row_by_hand_says_who_and_of_which_revision_the_image_is(
    shop: RollingEnvironment,
) -> None:
    told = Shop(shop, MERGES["title and number"])
    reverted(told)
    told.set_image(9)
    by_hand, back, *_ = changes(shop)
    assert (back.revision, back.by, back.run, back.reason) == (shop.older.commit, "Ada", "", "")
    assert (by_hand.revision, by_hand.by) == ("unknown", "Ada")


def test_a_squash_without_record_and_message_is_known_by_its_image(
    shop: RollingEnvironment,
) -> None:
    told = Shop(shop, lambda merger: merger.squash("Release (#7)", without=RECORD))
    told.release(1, 2)
    assert rows(shop) == ["by hand 1", "by hand 2"]


def test_an_image_that_stood_there_from_the_start_ran(shop: RollingEnvironment) -> None:
    assert rows(shop) == []
    shop.origin.commit({"prod/cart/rollout.yaml": ROLLOUT})
    web = WEB.replace(b"shop:0", str(image(4)).encode())
    shop.origin.commit({"prod/mail/rollout.yaml": ROLLOUT, "prod/mail/web.yaml": web})
    since = datetime.now(UTC) - timedelta(days=1)
    answers = shop.ops.look_back("prod", None, since, lambda each: changes_since(each, since))
    assert [[change.what for change in each] for each in answers] == [[], ["by hand"], []]


def test_what_is_older_is_left_out_and_still_tells_what_was_taken_back(
    shop: RollingEnvironment,
) -> None:
    told = Shop(shop, MERGES["pushed"])
    told.release(1, 2)
    at = (datetime.now(UTC) - timedelta(days=3)).replace(microsecond=0)
    with shop.origin.work.custom_environment(GIT_COMMITTER_DATE=at.isoformat()):
        Merger(shop.origin).squash("Release (#7)")
    told.roll_back()
    (back,) = changes(shop)
    assert (back.kind, back.failed_at) == ("rollback", at)


def test_an_app_that_is_gone_is_told_of(shop: RollingEnvironment) -> None:
    told = Shop(shop, MERGES["title and number"])
    told.release(1)
    told.person.pull()
    told.person.git.rm("-r", "--quiet", FOLDER)
    told.person.git.commit("--quiet", "--message", "gone")
    told.person.push()
    since = datetime.now(UTC) - timedelta(days=1)
    answers = shop.ops.look_back("prod", None, since, lambda each: changes_since(each, since))
    found = [(change.kind, change.what, change.image) for each in answers for change in each]
    assert found == [
        ("removal", "removed by hand", str(image(1))),
        ("deployment", "1/1 rolling", str(image(1))),
    ]


def test_an_app_that_left_on_purpose_is_told_of_with_who_and_why(shop: RollingEnvironment) -> None:
    shop.release(shop.older, image(1))
    reason = Reason(why="replaced", by="Grace")
    commit = commit_decommission(shop.ops, SHOP, reason, None, shop.run).commit
    gone, released = changes(shop)
    assert (gone.kind, gone.what, gone.commit) == ("removal", "decommissioned", commit)
    assert (gone.by, gone.reason, gone.run) == ("Grace", "replaced", f"{LINK}1")
    assert (gone.image, gone.revision) == (released.image, released.revision)
    # It comes back as it was.
    shop.origin.work.reset("--hard", "--quiet")
    shop.origin.work.revert("--no-edit", commit)
    assert [one.kind for one in changes(shop)] == ["removal", "deployment"]
    assert figures(shop) == (1, 0, 0)


def test_every_app_that_was_changed_is_told_of_and_no_other(shop: RollingEnvironment) -> None:
    def names(history: History) -> str:
        return history.app_environment.folder

    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    assert shop.ops.look_back("prod", None, long_ago, names) == ["prod/cart", "prod/shop"]
    later = datetime.now(UTC) + timedelta(hours=1)
    assert shop.ops.look_back("prod", None, later, names) == []
    assert shop.ops.look_back("staging", None, long_ago, names) == []
    for number in range(40):
        shop.origin.commit({f"prod/app-{number}/web.yaml": b"1", "other/x.yaml": b"%d" % number})
    assert len(shop.ops.look_back("prod", None, long_ago, names)) == 42


@pytest.fixture
def colours(origin: Origin, tmp_path: Path) -> BlueGreenEnvironment:
    environment = BlueGreenEnvironment(origin, Origin(tmp_path / "app"))
    for number in (1, 2):
        environment.run = run_context(number)
        environment.release(number)
    return environment


RELEASED = [
    "1/1 first 1",
    "1/3 prepare green 2",
    "2/3 switch to green 2",
    "3/3 scale down blue 2",
]


def test_a_revert_of_each_step_is_a_row_and_one_failure(colours: BlueGreenEnvironment) -> None:
    person = Person(colours.origin)
    for newest in ("HEAD", "HEAD~2", "HEAD~4"):
        person.revert(newest)
    assert rows(colours) == [*RELEASED, *[f"reverted by hand {number}" for number in (2, 1, 1)]]
    assert figures(colours) == (2, 1, 0)


def test_a_switch_by_hand_that_leaves_the_record_is_a_failure(
    colours: BlueGreenEnvironment,
) -> None:
    person = Person(colours.origin)
    person.edit({f"{FOLDER}/service.yaml": folder()["service.yaml"]})
    assert rows(colours) == [*RELEASED, "reverted by hand 1"]
    assert figures(colours) == (2, 1, 0)


def test_a_rollback_of_several_steps_is_one_failure(colours: BlueGreenEnvironment) -> None:
    colours.run = run_context(3)
    release = colours.roll_back().target.release
    assert release.revision == colours.revisions[0]
    assert figures(colours) == (2, 1, 0)


def test_a_rollback_of_what_did_not_serve_yet_is_no_failure(colours: BlueGreenEnvironment) -> None:
    colours.run = run_context(3)
    colours.commit(3, "1/3 prepare blue")
    colours.run = run_context(4)
    colours.roll_back()
    assert figures(colours) == (2, 0, 0)
