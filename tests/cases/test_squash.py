"""Merges that lose or change the message.

Each input is a way in which a forge, or a person, brings a release commit onto the branch: the
fence, a rollback and its continuation know what was released all the same.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blocks.ops_repository import OpsRepository
from shipway.app_environment import AppEnvironment
from shipway.errors import RefuseError
from shipway.git.ops_folder import Landed, Propose
from tests.support.app_environments import SHOP
from tests.support.ops_commits import ops_commits
from tests.support.origin import Origin
from tests.support.people import Merger
from tests.support.rolling_environment import RollingEnvironment, image
from tests.support.run_contexts import run_context

RECORD = "prod/shop/RELEASE"
CO_AUTHOR = "Co-authored-by: Ada <ada@example.org>"


@pytest.fixture
def shop(origin: Origin, tmp_path: Path) -> RollingEnvironment:
    return RollingEnvironment(origin, Origin(tmp_path / "app"))


def parts(message: str) -> tuple[str, str]:
    subject, _, body = message.strip().partition("\n\n")
    return subject, body


def wrapped(message: str) -> str:
    """As an editor wraps lines at 72 columns."""
    subject, body = parts(message)
    lines = [
        textwrap.wrap(line, 72, break_long_words=False, break_on_hyphens=False) or [""]
        for line in body.splitlines()
    ]
    return "\n".join([f"{subject} (#7)", "", *(part for line in lines for part in line)])


# Ways in which the trailers are still there, though not as Git's own trailers.
CHANGED: dict[str, Callable[[str], str]] = {
    "as it was": lambda message: message,
    "description in a code block": lambda message: "{} (#7)\n\n```text\n{}\n```".format(
        *parts(message)
    ),
    "tildes, a request after it": lambda message: (
        "{}\n\n~~~\n{}\n~~~\n\nSee merge request acme/ops!7".format(*parts(message))
    ),
    # me2resh/apexyard#1004, bobmatnyc/claude-mpm#863
    "a bullet a commit": lambda message: (
        "Release (#7)\n\n* {}\n\n{}\n\n* Fix a typo\n\n---------\n\n{}".format(
            *parts(message), CO_AUTHOR
        )
    ),
    # z-shell/.github#519
    "co-authors after it": lambda message: f"{message}\n\n{CO_AUTHOR}\n{CO_AUTHOR}",
    "co-authors right below": lambda message: f"{message.strip()}\n{CO_AUTHOR}",
    "reviewers after it": lambda message: (
        f"{message.strip()}\nReviewed-on: https://git.example.org/acme/ops/pulls/7\n\n"
        "Reviewed-by: Ada <ada@example.org>"
    ),
    # MongLong0214/commitlore#132
    "git merge --squash": lambda message: (
        "Squashed commit of the following:\n\ncommit 0123456\nAuthor: Ada <ada@example.org>\n"
        "Date:   Wed Nov 25 12:00:00 2026 +0000\n\n" + textwrap.indent(message, "    ")
    ),
    "indented below a bullet": lambda message: "Release\n\n- {}\n\n{}".format(
        parts(message)[0], textwrap.indent(parts(message)[1], "  ")
    ),
    "right below a bullet": lambda message: "Release\n\n- {}\n{}".format(*parts(message)),
    "cherry-picked": lambda message: (
        f"{message.strip()}\n(cherry picked from commit 0123456789012345678901234567890123456789)"
    ),
    "line ends of another system": lambda message: message.replace("\n", "\r\n"),
    "wrapped at 72 columns": wrapped,
}
# Ways in which nothing is left of them.
LOST: dict[str, Callable[[str], str]] = {
    # entireio/cli#939
    "title and number": lambda message: f"{parts(message)[0]} (#7)",
    "title alone": lambda message: parts(message)[0],
    "words of somebody": lambda message: "Ship it\n\nLooks good to me.",
    "a list of subjects": lambda message: f"Release (#7)\n\n* {parts(message)[0]}\n* Fix a typo",
    "of another release": lambda message: (
        "Release\n\n" + re.sub(r"sha256:\d+", f"sha256:{'7' * 64}", parts(message)[1])
    ),
}


def message_of(shop: RollingEnvironment) -> str:
    return str(shop.origin.bare.git.log("-1", "--format=%B", "main"))


def release(shop: RollingEnvironment, number: int) -> None:
    shop.run = run_context(number)
    shop.release({1: shop.older, 2: shop.newer}[number], image(number))


def check(shop: RollingEnvironment) -> None:
    """The newer revision is known to be there, and the older one to have been there before."""
    for revision in (shop.older, shop.beside):
        with pytest.raises(RefuseError, match=f"expected:  .* contains {shop.newer.commit}"):
            shop.release(revision, image(3))
    shop.run = run_context(3)
    target = shop.roll_back().target
    assert (target.image, target.revision.commit) == (image(1), shop.older.commit)
    assert (target.from_image, target.from_revision) == (str(image(2)), shop.newer.commit)
    assert shop.holds() == [shop.newer.commit]


@pytest.mark.parametrize("way", CHANGED | LOST)
def test_a_squash_keeps_what_was_released(shop: RollingEnvironment, way: str) -> None:
    merger = Merger(shop.origin)
    for number in (1, 2):
        release(shop, number)
        merger.squash((CHANGED | LOST)[way](message_of(shop)))
    check(shop)


@pytest.mark.parametrize("way", CHANGED)
def test_before_there_was_a_record_the_message_tells(shop: RollingEnvironment, way: str) -> None:
    merger = Merger(shop.origin)
    for number in (1, 2):
        release(shop, number)
        merger.squash(CHANGED[way](message_of(shop)), without=RECORD)
    if way != "wrapped at 72 columns":
        assert [one.trailers["Run"] for one in ops_commits(shop.ops, SHOP)] == [
            run_context(number).link for number in (2, 1)
        ]
    check(shop)


@pytest.mark.parametrize("record", [True, False], ids=["with a record", "trailers alone"])
@pytest.mark.parametrize("way", ["rebase", "merge"])
def test_other_ways_of_merging_keep_it(shop: RollingEnvironment, way: str, *, record: bool) -> None:
    merger = Merger(shop.origin)
    for number in (1, 2):
        release(shop, number)
        if not record:
            merger.squash(message_of(shop), without=RECORD)
        if way == "rebase":
            merger.rebase()
        else:
            merger.merge()
    check(shop)


@pytest.mark.parametrize("record", [True, False], ids=["with a record", "trailers alone"])
def test_a_merge_beside_which_the_folder_was_edited(
    shop: RollingEnvironment, *, record: bool
) -> None:
    release(shop, 1)
    release(shop, 2)
    merger = Merger(shop.origin)
    if not record:
        merger.squash(message_of(shop), without=RECORD)
    # The pull request was opened before the edit, and merged after it.
    shop.origin.work.read_tree("-u", "--reset", "main~1")
    newest, before = (str(shop.origin.bare.git.rev_parse(name)) for name in ("main", "main~1"))
    files = {"prod/shop/notes.txt": b"1"}
    shop.origin.bare.git.update_ref("refs/heads/main", before)
    edit = shop.origin.commit(files, "By hand")
    shop.origin.work.merge("--quiet", "--no-ff", "--message", "Merge request !7", newest)
    assert shop.origin.bare.git.rev_parse("main^1", "main^2").split() == [edit, newest]
    check(shop)


@pytest.mark.parametrize("record", [True, False], ids=["with a record", "trailers alone"])
def test_two_releases_in_one_squash_are_the_later_one(
    shop: RollingEnvironment, *, record: bool
) -> None:
    messages: list[str] = []
    for number in (1, 2):
        release(shop, number)
        messages.append("* {}\n\n{}".format(*parts(message_of(shop))))
    merger = Merger(shop.origin)
    merger.squash("\n\n".join(["Releases (#7)", *messages]), 2, without=None if record else RECORD)
    with pytest.raises(RefuseError, match="a revision that this one does not contain"):
        shop.release(shop.older, image(3))
    shop.run = run_context(3)
    with pytest.raises(RefuseError, match="There is no release to go back to"):
        shop.roll_back()


@pytest.mark.parametrize("way", LOST)
@pytest.mark.parametrize("next_run", [3, 4], ids=["the same run", "after one that was cut off"])
def test_a_rollback_whose_message_was_lost_is_gone_on_with(
    shop: RollingEnvironment, way: str, next_run: int
) -> None:
    for number in (1, 2):
        release(shop, number)
    shop.run = run_context(3)
    first = shop.roll_back()
    Merger(shop.origin).squash(LOST[way](message_of(shop)))
    shop.run = run_context(next_run, lambda run: run == run_context(3).link)
    again = shop.roll_back()
    assert again.target == first.target.model_copy(update={"in_progress": True})
    assert not again.commit.new
    assert shop.holds() == [shop.newer.commit]


def test_a_run_that_died_after_its_commit_was_squashed_finds_it(shop: RollingEnvironment) -> None:
    release(shop, 1)
    Merger(shop.origin).squash("Release (#7)")
    again = shop.release(shop.older, image(1))
    assert again.new
    at = shop.origin.bare.commit("main").committed_datetime
    assert again.at == at


@pytest.mark.parametrize("way", LOST)
@pytest.mark.parametrize("what", ["release", "roll_back", "clear_hold"])
def test_what_waits_for_its_merge_sees_that_it_is_there(
    shop: RollingEnvironment, monkeypatch: pytest.MonkeyPatch, what: str, way: str
) -> None:
    for number in (1, 2):
        release(shop, number)
    shop.run = run_context(3)
    if what == "clear_hold":
        shop.roll_back()
        shop.run = run_context(4)
    commit, asked = OpsRepository.commit, list[bool]()

    def reviewed(
        self: OpsRepository, app_environment: AppEnvironment, propose: Propose, on_review: Any
    ) -> Landed:
        landed = commit(self, app_environment, propose, on_review)
        Merger(shop.origin).squash(LOST[way](message_of(shop)))
        # As it is asked again and again until a pull request is merged.
        asked.append(commit(self, app_environment, propose, on_review).new)
        return landed

    monkeypatch.setattr(OpsRepository, "commit", reviewed)
    if what == "release":
        shop.release(shop.newer, image(4))
    elif what == "roll_back":
        shop.roll_back()
    else:
        shop.clear_hold(shop.newer.short, "mended", "Grace")
    assert asked == [False]
