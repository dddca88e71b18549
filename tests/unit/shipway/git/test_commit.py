from __future__ import annotations

from pathlib import Path

import pytest
from git import Repo

from shipway.errors import FailError, RefuseError
from shipway.git.cache import BrokenCacheError
from shipway.git.commit import Author, commit_files, read_files
from shipway.git.mirror import Mirror
from tests.support.origin import Origin

AUTHOR = Author(name="Shipway", email="shipway@example.org")
FILES = {
    "prod/shop/web.yaml": b"image: a\r\n",
    "prod/shop/rollout.yaml": b"strategy: rolling\n",
    "prod/shop/sub/deep.yaml": b"deep\n",
    "prod/cart/web.yaml": b"image: b\n",
    "prod/ü ber.bin": bytes(range(256)),
    "README.md": b"no newline at the end",
}


@pytest.fixture
def start(origin: Origin) -> str:
    return origin.commit(FILES)


def files_at(repo: Repo, commit: str) -> dict[str, bytes]:
    tree = repo.commit(commit).tree
    return {
        str(blob.path): blob.data_stream.read() for blob in tree.traverse() if blob.type == "blob"
    }


def test_the_files_of_a_folder_are_read_as_bytes(origin: Origin, start: str) -> None:
    assert read_files(origin.mirror(), start, "prod/shop") == {
        "rollout.yaml": b"strategy: rolling\n",
        "web.yaml": b"image: a\r\n",
    }


def test_any_name_and_any_bytes_are_read(origin: Origin, start: str) -> None:
    assert read_files(origin.mirror(), start, "prod") == {"ü ber.bin": bytes(range(256))}


def test_files_are_read_as_they_were_at_the_commit(origin: Origin, start: str) -> None:
    origin.commit({"prod/shop/web.yaml": b"image: later\n"})
    assert read_files(origin.mirror(), start, "prod/shop")["web.yaml"] == b"image: a\r\n"


def test_a_folder_that_is_missing_is_empty(origin: Origin, start: str) -> None:
    assert read_files(origin.mirror(), start, "prod/none") == {}


def test_an_executable_file_is_a_plain_file(origin: Origin, start: str) -> None:
    assert start
    (origin.tree / "prod/shop/web.yaml").chmod(0o755)
    assert "web.yaml" in read_files(origin.mirror(), origin.commit_tree(), "prod/shop")


@pytest.mark.parametrize("target", ["rollout.yaml", "/etc/passwd", "../../README.md"])
def test_a_symlink_is_refused(origin: Origin, start: str, target: str) -> None:
    assert start
    (origin.tree / "prod/shop/link.yaml").symlink_to(target)
    commit = origin.commit_tree()
    with pytest.raises(RefuseError) as caught:
        read_files(origin.mirror(), commit, "prod/shop")
    assert str(caught.value) == (
        "An ops folder holds something that is no plain file.\n"
        "  where:     prod/shop/link.yaml\n"
        "  expected:  files with mode 100644 or 100755\n"
        "  got:       mode 120000"
    )


def test_a_submodule_is_refused(origin: Origin, start: str) -> None:
    origin.work.update_index("--add", "--cacheinfo", f"160000,{start},prod/shop/module")
    origin.work.commit("--message", "a submodule")
    with pytest.raises(
        RefuseError, match=r"where:     prod/shop/module\n.*\n  got:       mode 160000"
    ):
        read_files(origin.mirror(), origin.tip(), "prod/shop")


def test_a_commit_changes_the_one_file_and_nothing_else(origin: Origin, start: str) -> None:
    changes = {"prod/shop/web.yaml": b"image: new\r\n"}
    commit = commit_files(origin.mirror(), start, changes, "release", AUTHOR)
    assert origin.changed(start, commit) == ["M\tprod/shop/web.yaml"]
    assert files_at(origin.bare, commit) == FILES | changes


def test_one_commit_changes_files_of_several_folders(origin: Origin, start: str) -> None:
    changes = {
        "prod/shop/web.yaml": b"1",
        "prod/cart/web.yaml": b"",
        "README.md": bytes(range(256)),
    }
    commit = commit_files(origin.mirror(), start, changes, "release", AUTHOR)
    assert files_at(origin.bare, commit) == FILES | changes
    assert [parent.hexsha for parent in origin.bare.commit(commit).parents] == [start]


def test_the_mode_of_a_changed_file_stays(origin: Origin, start: str) -> None:
    assert start
    (origin.tree / "prod/shop/web.yaml").chmod(0o755)
    executable = origin.commit_tree()
    changes = {"prod/shop/web.yaml": b"image: new\n"}
    commit = commit_files(origin.mirror(), executable, changes, "release", AUTHOR)
    assert origin.bare.commit(commit).tree["prod/shop/web.yaml"].mode == 0o100755


def test_the_same_bytes_again_make_the_same_tree(origin: Origin, start: str) -> None:
    changes = {"prod/shop/web.yaml": FILES["prod/shop/web.yaml"]}
    commit = commit_files(origin.mirror(), start, changes, "release", AUTHOR)
    assert origin.bare.commit(commit).tree == origin.bare.commit(start).tree


def test_the_author_is_the_committer_and_the_message_is_kept(origin: Origin, start: str) -> None:
    message = "shop abc → prod\n\nApp: shop\n# no comment\n"
    changes = {"README.md": b"new"}
    found = origin.bare.commit(commit_files(origin.mirror(), start, changes, message, AUTHOR))
    for person in (found.author, found.committer):
        assert (person.name, person.email) == ("Shipway", "shipway@example.org")
    assert found.message == message


def test_a_commit_moves_no_branch_and_writes_no_file(origin: Origin, start: str) -> None:
    commit_files(origin.mirror(), start, {"README.md": b"new"}, "release", AUTHOR)
    assert origin.tip() == start
    assert not Path(origin.path, "index").exists()


def test_a_new_file_is_written_beside_the_others(origin: Origin, start: str) -> None:
    changes = {"prod/shop/holds.yaml": b"new"}
    commit = commit_files(origin.mirror(), start, changes, "release", AUTHOR)
    assert origin.changed(start, commit) == ["A\tprod/shop/holds.yaml"]
    assert origin.bare.commit(commit).tree["prod/shop/holds.yaml"].mode == 0o100644


def test_a_file_is_taken_away(origin: Origin, start: str) -> None:
    changes = {"prod/shop/web.yaml": None}
    commit = commit_files(origin.mirror(), start, changes, "release", AUTHOR)
    assert origin.changed(start, commit) == ["D\tprod/shop/web.yaml"]
    again = commit_files(origin.mirror(), commit, changes, "release", AUTHOR)
    assert origin.changed(commit, again) == []


@pytest.mark.parametrize(
    "path",
    [
        "none/web.yaml",
        "prod/none/web.yaml",
        "README.md/web.yaml",
        "prod/shop",
        "prod/shop/../../web.yaml",
        "/etc/passwd",
        "prod//web.yaml",
        "link/web.yaml",
    ],
)
def test_a_path_that_leads_nowhere_or_out_is_not_written(
    origin: Origin, start: str, path: str
) -> None:
    assert start
    (origin.tree / "link").symlink_to("prod/shop")
    tip = origin.commit_tree()
    with pytest.raises(FailError, match="The path to the file is not in the repository"):
        commit_files(origin.mirror(), tip, {path: b"new"}, "release", AUTHOR)


def test_one_commit_writes_each_tree_once(
    origin: Origin, start: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror, kinds = origin.mirror(), list[str]()

    def write(kind: str, content: bytes, digits: int) -> str:
        kinds.append(kind)
        return Mirror.write(mirror, kind, content, digits)

    monkeypatch.setattr(mirror, "write", write)
    changes = {"prod/shop/web.yaml": b"1", "prod/shop/new.yaml": b"2", "README.md": None}
    commit_files(mirror, start, changes, "release", AUTHOR)
    assert kinds == ["blob", "blob", "tree", "tree", "tree", "commit"]


def test_a_path_below_another_one_is_not_written(origin: Origin, start: str) -> None:
    for changes in ({"new": b"1", "new/web.yaml": b"2"}, {"new/web.yaml": b"2", "new": None}):
        with pytest.raises(FailError, match="no folder 'new'"):
            commit_files(origin.mirror(), start, changes, "release", AUTHOR)


def test_the_path_that_leads_nowhere_is_told(origin: Origin, start: str) -> None:
    changes = {"README.md": b"1", "prod/cart/none/web.yaml": b"2"}
    with pytest.raises(FailError) as caught:
        commit_files(origin.mirror(), start, changes, "release", AUTHOR)
    assert caught.value.facts["where"] == f"prod/cart/none/web.yaml at {start[:7]}"
    assert caught.value.facts["got"] == "no folder 'none'"


def test_a_message_with_a_zero_byte_is_none(origin: Origin, start: str) -> None:
    with pytest.raises(FailError, match="zero byte"):
        commit_files(origin.mirror(), start, {"README.md": b"1"}, "a\0b", AUTHOR)


def test_a_repository_that_takes_no_object_is_a_broken_cache(origin: Origin, start: str) -> None:
    mirror = origin.mirror()
    objects = origin.path / "objects"
    mirror.tree(mirror.root(start))
    objects.rename(origin.path / "gone")
    with pytest.raises(BrokenCacheError, match="The Git cache cannot be written"):
        commit_files(mirror, start, {"README.md": b"1"}, "release", AUTHOR)


def test_a_folder_is_taken_away_with_all_that_is_in_it(origin: Origin, start: str) -> None:
    commit = commit_files(origin.mirror(), start, {"prod/shop": None}, "release", AUTHOR)
    assert origin.changed(start, commit) == [
        "D\tprod/shop/rollout.yaml",
        "D\tprod/shop/sub/deep.yaml",
        "D\tprod/shop/web.yaml",
    ]
    again = commit_files(origin.mirror(), commit, {"prod/shop": None}, "release", AUTHOR)
    assert origin.changed(commit, again) == []


def test_no_empty_folder_is_left(origin: Origin, start: str) -> None:
    changes = {"prod/shop/sub/deep.yaml": None, "prod/cart/web.yaml": None}
    commit = commit_files(origin.mirror(), start, changes, "release", AUTHOR)
    tree = origin.bare.commit(commit).tree
    assert [one.name for one in tree["prod"].trees] == ["shop"]
    assert [one.name for one in tree["prod/shop"].trees] == []
