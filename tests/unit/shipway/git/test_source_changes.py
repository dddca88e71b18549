"""Each input is a way in which commits come onto the line that is released."""

from __future__ import annotations

import pytest

from blocks.source_repository import SourceRepository
from shipway.git.source_changes import LISTED, Changes, Commits
from tests.support.origin import Origin

NOBODY_KNOWS = "0" * 40


@pytest.fixture
def first(origin: Origin) -> str:
    return origin.commit({"app.py": b"0"}, "first")


def source(origin: Origin, folder: str = ".") -> SourceRepository:
    """The repository as a release finds it: checked out, so that all is here."""
    found = SourceRepository(
        url=origin.url, folder=folder, web_url="https://git.example.org/{commit}"
    )
    found.resolve("main")
    return found


def changes(origin: Origin, before: str, after: str, folder: str = ".") -> Changes:
    found = source(origin, folder).changes(before, after)
    assert found is not None
    return found


def said(commits: Commits) -> list[str]:
    return [change.about for change in commits.newest]


def merge(origin: Origin, branch: str, message: str) -> str:
    origin.work.merge("--quiet", "--no-ff", "--message", message, branch)
    return origin.tip()


def on_branch(origin: Origin, name: str, *files: str) -> None:
    """A branch with one commit for each file; HEAD is where it was afterwards."""
    origin.work.checkout("--quiet", "-b", name)
    for file in files:
        origin.commit({file: name.encode()}, f"{name}: {file}")
    origin.work.checkout("--quiet", "main")


@pytest.mark.parametrize(
    ("message", "about"),
    [
        ("Add a basket", "Add a basket (Ada)"),
        ("Add a basket (#12)\n\n* one\n* two", "Add a basket (Ada, #12)"),
        ('Revert "Add a basket (#12)" (#15)', 'Revert "Add a basket (#12)" (Ada, #15)'),
        ('Revert "Add a basket (#12)"', 'Revert "Add a basket (#12)" (Ada)'),
        ("Mend #12\n\nsee (#13)", "Mend #12 (Ada)"),
        ("Basket\n\nSee merge request acme/web/shop!7", "Basket (Ada, !7)"),
        ("\x1b[31mred\x07", "[31mred (Ada)"),
        ("x" * 200, f"{'x' * 99}… (Ada)"),
    ],
)
def test_a_commit_is_told_by_its_first_line_author_and_request(
    origin: Origin, first: str, message: str, about: str
) -> None:
    after = origin.commit({"app.py": b"1"}, message)
    found = changes(origin, first, after)
    assert said(found.added) == [about]
    assert found.added.newest[0].link == f"[{after[:7]}](https://git.example.org/{after})"
    assert list(found.parts) == [f"New since {first[:7]}:"]


@pytest.mark.parametrize(
    ("message", "request_"),
    [
        ("Merge pull request #12 from acme/basket\n\nAdd a basket", ", #12"),
        ("Merge pull request 'Add (a) basket' (#12) from basket into main", ", #12"),
        ("Merge branch 'basket' into 'main'\n\nBasket\n\nSee merge request acme/shop!12", ", !12"),
        ("Merge branch 'basket'", ""),
    ],
)
def test_a_merge_tells_the_request_of_what_it_brings_and_is_not_listed(
    origin: Origin, first: str, message: str, request_: str
) -> None:
    on_branch(origin, "basket", "a", "b")
    origin.commit({"app.py": b"1"}, "Beside it")
    found = changes(origin, first, merge(origin, "basket", message))
    assert sorted(said(found.added)) == [
        "Beside it (Ada)",
        f"basket: a (Ada{request_})",
        f"basket: b (Ada{request_})",
    ]


def test_what_a_branch_took_over_from_the_line_keeps_its_own_request(
    origin: Origin, first: str
) -> None:
    on_branch(origin, "basket", "a")
    on_branch(origin, "prices", "b")
    merge(origin, "prices", "Merge pull request #1 from acme/prices")
    origin.work.checkout("--quiet", "basket")
    origin.work.merge("--quiet", "--message", "Merge branch 'main' into basket", "main")
    origin.work.checkout("--quiet", "main")
    after = merge(origin, "basket", "Merge pull request #2 from acme/basket")
    assert sorted(said(changes(origin, first, after).added)) == [
        "basket: a (Ada, #2)",
        "prices: b (Ada, #1)",
    ]


def test_in_a_monorepo_the_commits_of_the_app_count_however_they_came(
    origin: Origin, first: str
) -> None:
    origin.commit({"cart/app.py": b"1"}, "Cart alone")
    on_branch(origin, "basket", "shop/app.py", "cart/b.py")
    after = merge(origin, "basket", "Merge pull request #3 from acme/basket")
    assert said(changes(origin, first, after, "shop").added) == ["basket: shop/app.py (Ada, #3)"]
    nothing = changes(origin, first, origin.tip("main~1"), "shop")
    assert nothing.parts == {f"Nothing of the app since {first[:7]}.": Commits()}


def test_what_an_app_uses_counts_as_its_own(origin: Origin, first: str) -> None:
    origin.commit({"cart/app.py": b"1"}, "Cart alone")
    origin.commit({"libs/money/rates": b"1"}, "Rates")
    after = origin.commit({"shop/app.py": b"1"}, "Shop")
    found = source(origin, "shop").changes(first, after, ("libs/money", "go.work"))
    assert found is not None
    assert said(found.added) == ["Shop (Ada)", "Rates (Ada)"]


def test_going_back_lists_what_is_taken_back(origin: Origin, first: str) -> None:
    after = origin.commit({"app.py": b"1"}, "Add a basket (#12)")
    found = changes(origin, after, first)
    assert (said(found.added), said(found.removed)) == ([], ["Add a basket (Ada, #12)"])
    assert list(found.parts) == [f"Back from {after[:7]}, which takes back:"]


def test_another_line_of_history_is_called_that(origin: Origin, first: str) -> None:
    left = origin.commit({"app.py": b"1"}, "Left")
    origin.work.checkout("--quiet", "-b", "side", first)
    origin.commit({"app.py": b"2"}, "Right")
    found = changes(origin, left, origin.tip("side"))
    assert (said(found.added), said(found.removed)) == (["Right (Ada)"], ["Left (Ada)"])
    assert list(found.parts) == [
        f"{left[:7]} was on another line of history. New since they parted:",
        "And taken back:",
    ]


def test_of_many_commits_the_newest_are_listed_and_the_others_counted(
    origin: Origin, first: str
) -> None:
    tree, after = origin.work.rev_parse(f"{first}^{{tree}}"), first
    for number in range(LISTED + 34):
        after = origin.work.commit_tree(tree, "-p", after, "-m", f"number {number}")
    origin.work.update_ref("refs/heads/main", after)
    found = changes(origin, first, origin.tip())
    assert said(found.added)[0] == f"number {LISTED + 33} (Ada)"
    assert (len(found.added.newest), found.added.more) == (LISTED, 34)


def test_a_revision_that_the_repository_does_not_know_is_called_that(
    origin: Origin, first: str
) -> None:
    found = changes(origin, NOBODY_KNOWS, first)
    assert list(found.parts) == [
        "The app's repository does not know 0000000, which was there before."
    ]


@pytest.mark.parametrize("before", ["unknown", "--output=/tmp/x", "main", "", "abc1234"])
def test_what_is_no_commit_id_is_not_asked_for(origin: Origin, first: str, before: str) -> None:
    assert source(origin).changes(before, first) is None


def test_without_the_commit_or_the_repository_there_is_no_answer(
    origin: Origin, first: str
) -> None:
    here = source(origin)
    assert here.changes(first, NOBODY_KNOWS) is None
    # Its server is not asked: there is none.
    away = here.model_copy(update={"url": "http://127.0.0.1:1/app.git"})
    assert away.changes(first, first) is None
