from __future__ import annotations

from collections import Counter
from subprocess import Popen
from typing import Any

import pytest

from shipway.git import command
from shipway.git.cache import BrokenCacheError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder, Proposal
from shipway.git.ops_repository import OpsRepository
from tests.support.app_environments import SHOP
from tests.support.origin import Origin


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each Git command was started."""
    counts, start = Counter[str](), command.Popen

    def counted(words: list[bytes], **options: Any) -> Popen[bytes]:
        counts[words[1].decode()] += 1
        return start(words, **options)

    monkeypatch.setattr(command, "Popen", counted)
    return counts


def test_what_is_missing_is_fetched_once_a_level_and_what_is_here_is_read_by_one_process(
    origin: Origin, commands: Counter[str]
) -> None:
    files = {f"file-{number}.yaml": f"{number}\n".encode() for number in range(20)}
    origin.commit({f"prod/shop/{name}": content for name, content in files.items()})
    ops = OpsRepository(url=origin.url)
    assert ops.fetch(SHOP).files == files
    # The tip; the root, prod, prod/shop and its files.
    assert commands["fetch"] == 1 + 4
    commands.clear()
    assert ops.fetch(SHOP).files == files
    assert commands == {"fetch": 1, "cat-file": 1}


def test_any_number_of_folders_is_read_by_one_process(
    origin: Origin, commands: Counter[str]
) -> None:
    apps = [(environment, f"app-{n}") for environment in ("prod", "test") for n in range(5)]
    origin.commit({f"{'/'.join(app)}/rollout.yaml": repr(app).encode() for app in apps})
    ops = OpsRepository(url=origin.url)
    assert [(one.environment, one.app) for one in ops.apps()] == apps
    commands.clear()
    assert [(one.environment, one.app) for one in ops.apps()] == apps
    assert commands == {"fetch": 1, "cat-file": 1}


def test_trees_that_are_new_come_with_their_commits(origin: Origin, commands: Counter[str]) -> None:
    origin.commit({"prod/shop/web.yaml": b"a\n", "prod/cart/web.yaml": b"0\n"})
    ops = OpsRepository(url=origin.url)
    ops.consult(SHOP, lambda _, history: list(history.versions))
    for number in range(1, 4):
        origin.commit({"prod/cart/web.yaml": f"{number}\n".encode()})
    commands.clear()
    files, versions = ops.consult(
        SHOP, lambda folder, history: (folder.files, list(history.versions))
    )
    assert files == {"web.yaml": b"a\n"}
    assert [version.files for version in versions] == [files]
    assert commands["fetch"] == 1


def test_a_tree_that_is_sent_as_what_differs_from_one_that_is_not_here_is_understood(
    origin: Origin,
) -> None:
    origin.commit({"prod/shop/web.yaml": b"a\n"})
    others = {f"test/app-{number}/web.yaml": f"{number}\n".encode() for number in range(200)}
    before = origin.commit(others)
    theirs = str(origin.bare.git.rev_parse(f"{before}:test"))
    ops = OpsRepository(url=origin.url)
    ops.fetch(SHOP)

    def is_here(oid: str) -> bool:
        with ops.mirror("ops") as mirror:
            return not mirror._read([oid])

    assert not is_here(theirs)
    origin.commit({"test/app-7/web.yaml": b"new\n"})
    assert ops.fetch(SHOP).files == {"web.yaml": b"a\n"}
    assert is_here(str(origin.bare.git.rev_parse("main:test")))


@pytest.mark.parametrize("races", [0, 1, 3])
def test_of_a_push_that_git_itself_rejects_nothing_is_looked_for_at_the_server(
    origin: Origin, commands: Counter[str], races: int
) -> None:
    origin.commit({"prod/shop/web.yaml": b"a\n"})
    ops = OpsRepository(url=origin.url)
    ops.fetch(SHOP)
    commands.clear()
    attempts: list[str] = []

    def propose(folder: OpsFolder, _history: History) -> Proposal:
        attempts.append(folder.commit)
        if len(attempts) <= races:
            origin.commit({}, f"theirs {len(attempts)}")
        changes: dict[str, bytes | None] = {f"{folder.path}/web.yaml": b"b\n"}
        return Proposal(changes=changes, message="release")

    landed = ops.commit(SHOP, propose)
    assert (landed.commit, landed.new) == (origin.tip(), True)
    # The tip of each attempt, and at the end whether the server shows it.
    asked = (commands["push"], commands["fetch"], commands["ls-remote"])
    assert asked == (races + 1, races + 1, 1)
    if not races:
        each = dict.fromkeys(("fetch", "cat-file", "push", "ls-remote", "update-ref"), 1)
        assert commands == each
    with ops.mirror("ops") as mirror:
        assert mirror.tip("refs/heads/main") == landed.commit
    # Nor is Git asked whether the tip, which is the commit itself, contains it.
    assert commands["merge-base"] == 0


def test_a_branch_is_shown_by_its_whole_name_and_followed_from_where_it_was(
    origin: Origin,
) -> None:
    first, second = origin.commit({"prod/shop/a": b"1"}), origin.commit({"prod/shop/a": b"2"})
    ref = "refs/heads/main"
    origin.bare.git.update_ref(f"refs/heads/a/{ref}", first)
    ops = OpsRepository(url=origin.url)
    ops.fetch(SHOP)
    with ops.mirror("ops") as mirror:
        assert mirror.shows("looking", second, ref)
        assert not mirror.shows("looking", first, ref)
        mirror.follow(ref, first, first)
        assert mirror.tip(ref) == second
        mirror.follow(ref, first, second)
        assert mirror.tip(ref) == first


@pytest.mark.parametrize(
    ("text", "asked"),
    [("{oid}\n", 0), ("{oid}", 1), ("ref: refs/heads/other\n", 1), ("{oid}\n# x\n", 1), (None, 1)],
)
def test_the_tip_is_read_from_its_file_or_told_by_git(
    origin: Origin, commands: Counter[str], text: str | None, asked: int
) -> None:
    oid = origin.commit({"a": b"1"})
    origin.bare.git.branch("other")
    file = origin.path / "refs/heads/main"
    if text is None:
        origin.bare.git.pack_refs("--all")
        assert not file.exists()
    else:
        file.write_text(text.format(oid=oid))
    assert origin.mirror().tip("refs/heads/main") == oid
    assert commands["rev-parse"] == asked


def test_a_ref_that_is_none_is_a_broken_cache(origin: Origin) -> None:
    origin.commit({"a": b"1"})
    (origin.path / "refs/heads/main").write_bytes(b"\xff" * 41)
    with pytest.raises(BrokenCacheError):
        origin.mirror().tip("refs/heads/main")


def test_a_commit_contains_itself_and_those_before_it(
    origin: Origin, commands: Counter[str]
) -> None:
    first, second = origin.commit({"a": b"1"}), origin.commit({"a": b"2"})
    mirror = origin.mirror()
    assert mirror.is_ancestor(second, second)
    assert not commands
    assert mirror.is_ancestor(first, second)
    assert not mirror.is_ancestor(second, first)
    assert not mirror.is_ancestor("1" * 40, second)


def test_the_root_of_a_commit_is_its_tree(origin: Origin) -> None:
    commit = origin.commit({"a": b"1"}, "tree 1\n\ntree 2\n")
    assert origin.mirror().root(commit) == str(origin.bare.git.rev_parse("main^{tree}"))


@pytest.mark.parametrize("what", ["missing", "a blob", "spoiled"])
def test_a_commit_that_cannot_be_read_is_a_broken_cache_and_not_fetched(
    origin: Origin, commands: Counter[str], what: str
) -> None:
    commit = origin.commit({"a": b"tree 1\n"})
    oids = {
        "missing": "1" * 40,
        "a blob": str(origin.bare.git.rev_parse("main:a")),
        "spoiled": commit,
    }
    spoiled = origin.path / "objects" / commit[:2] / commit[2:]
    spoiled.chmod(0o644)
    spoiled.write_bytes(b"none")
    with pytest.raises(BrokenCacheError):
        origin.mirror().root(oids[what])
    assert commands == {"cat-file": 1}
