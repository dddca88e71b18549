"""What Shipway writes without Git is what Git would write, to the byte."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta, timezone
from itertools import cycle, islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipway.git.commit import Author, commit_files
from shipway.git.loose_object import write_object
from shipway.git.objects import CRUD, Entry, commit_text, entries_of, root_of, tree_text
from tests.support.origin import Origin

NOW = datetime(2026, 11, 25, 12, 30, 59, tzinfo=timezone(timedelta(hours=-3, minutes=-30)))
FILE_MODES = ["100644", "100755", "120000"]
# Each order that a folder and a file can have, and names that sort otherwise as text.
NAMES = [
    "a",
    "a.b",
    "a-b",
    "a0",
    "a/",
    "ab/",
    "a b/",
    "Z",
    "é",
    "é/",
    "~",
    "\n",
    "日本",
    "-x",
    "\\",
]


class Repository:
    """A bare repository, and Git in it without any settings."""

    def __init__(self, folder: Path, object_format: str) -> None:
        self.path = folder / f"{object_format}.git"
        self.digits = 40 if object_format == "sha1" else 64
        self.git("init", "-q", "--bare", f"--object-format={object_format}", str(self.path))

    def git(
        self, *command: str, stdin: bytes = b"", variables: Mapping[str, str] | None = None
    ) -> bytes:
        """What a Git command prints."""
        environment = {"PATH": os.environ["PATH"], "GIT_DIR": str(self.path), "HOME": os.devnull}
        done = subprocess.run(
            ["git", *command],
            input=stdin,
            env=environment | {"GIT_CONFIG_NOSYSTEM": "1"} | dict(variables or {}),
            capture_output=True,
            check=True,
        )
        return done.stdout

    def write(self, kind: str, content: bytes) -> str:
        """An object that Shipway writes."""
        return write_object(self.path, kind, content, self.digits)

    def check(self) -> None:
        """Git finds nothing wrong, nor anything left behind."""
        assert self.git("fsck", "--strict", "--no-dangling") == b""
        assert [*self.path.rglob("tmp_obj_*")] == []


@pytest.fixture(scope="module", params=["sha1", "sha256"])
def repository(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Repository:
    return Repository(tmp_path_factory.mktemp("objects"), request.param)


@pytest.mark.parametrize("content", [b"", b"\n", bytes(range(256)), b"x" * 100_000])
def test_a_blob_is_that_of_git(repository: Repository, content: bytes) -> None:
    oid = repository.write("blob", content)
    assert oid == repository.git("hash-object", "--stdin", stdin=content).decode().strip()
    assert repository.git("cat-file", "blob", oid) == content
    repository.check()


def entries(repository: Repository, names: list[str], modes: list[str]) -> list[Entry]:
    """Entries of these names; those with a slash at the end are folders."""
    blob, tree = repository.write("blob", b"x"), repository.write("tree", b"")
    found: list[Entry] = []
    for name, mode in zip(names, modes, strict=True):
        raw = name.removesuffix("/")
        if name.endswith("/"):
            found.append(Entry("040000", "tree", tree, raw, raw.encode()))
        else:
            found.append(Entry(mode, "blob", blob, raw, raw.encode()))
    return found


def check_tree(repository: Repository, lines: list[Entry]) -> None:
    listing = b"".join(
        f"{one.mode} {one.kind} {one.oid}\t".encode() + one.raw + b"\0" for one in lines
    )
    theirs = repository.git("mktree", "-z", "--missing", stdin=listing).decode().strip()
    text = tree_text(lines)
    assert repository.write("tree", text) == theirs
    assert repository.git("cat-file", "tree", theirs) == text
    assert sorted(entries_of(text, repository.digits)) == sorted(lines)


def test_a_tree_is_that_of_git(repository: Repository) -> None:
    # Of a file and a folder of one name, a tree has one.
    some = [name for name in NAMES if f"{name}/" not in NAMES]
    lines = entries(repository, some, [*islice(cycle(FILE_MODES), len(some))])
    check_tree(repository, lines)
    check_tree(repository, lines[::-1])
    repository.check()


@pytest.mark.parametrize("mode", ["100664", "160000"])
def test_an_entry_that_is_no_plain_file_stays_as_it_is(repository: Repository, mode: str) -> None:
    kind = "commit" if mode == "160000" else "blob"
    oid = "1" * repository.digits
    check_tree(
        repository, [Entry(mode, kind, oid, name, name.encode()) for name in ("b", "a", "a.")]
    )


letters = st.text(st.sampled_from("aAb.-_0~Z é"), min_size=1, max_size=4)
names = st.builds(
    str.__add__, letters.filter(lambda name: name not in {".", ".."}), st.sampled_from(["", "/"])
)
modes = st.sampled_from(["100644", "100755"])


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(names, modes), max_size=8, unique_by=lambda line: line[0].removesuffix("/"))
)
def test_any_tree_is_that_of_git(repository: Repository, lines: list[tuple[str, str]]) -> None:
    check_tree(
        repository,
        entries(repository, [name for name, _ in lines], [mode for _, mode in lines]),
    )
    repository.check()


def check_commit(
    repository: Repository, name: str, email: str, message: str, at: datetime = NOW
) -> str:
    tree = repository.write("tree", b"")
    parent = repository.git(
        "commit-tree", tree, "-m", "parent", variables=who("Ada", "ada@example.org", NOW)
    )
    first = parent.decode().strip()
    text = commit_text(tree, first, name=name, email=email, at=at, message=message)
    oid = repository.write("commit", text)
    command = ("commit-tree", tree, "-p", first, "-F", "-")
    theirs = repository.git(*command, stdin=message.encode(), variables=who(name, email, at))
    assert repository.git("cat-file", "commit", theirs.decode().strip()) == text
    assert oid == theirs.decode().strip()
    assert root_of(text) == tree
    repository.check()
    return oid


def who(name: str, email: str, at: datetime) -> dict[str, str]:
    date = f"{int(at.timestamp())} {at:%z}"
    return {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in {"NAME": name, "EMAIL": email, "DATE": date}.items()
    }


@pytest.mark.parametrize(
    "name",
    ["Shipway", "Ada  B", " x ", "S. W", '"q"', "'q", "ä", "O'N,", "a<b>c", "x\\", "\u00a0"],
)
@pytest.mark.parametrize("email", ["shipway@localhost", "", "a@b;", "<x@y>"])
def test_a_commits_author_is_that_of_git(repository: Repository, name: str, email: str) -> None:
    check_commit(repository, name, email, "release\n")


@pytest.mark.parametrize(
    "message",
    [
        "",
        "release",
        "release\n",
        "a\n\nB: c\n\n\n",
        "# no comment\n",
        "sü → 日本\r\n",
        "\n\na",
        " a ",
    ],
)
def test_a_commits_message_is_that_of_git(repository: Repository, message: str) -> None:
    check_commit(repository, "Ada", "ada@example.org", message)


@pytest.mark.parametrize("minutes", [0, 60, 330, -570, 845])
def test_a_commits_time_is_that_of_git(repository: Repository, minutes: int) -> None:
    zone = timezone(timedelta(minutes=minutes))
    check_commit(repository, "Ada", "ada@example.org", "release", NOW.astimezone(zone))


text = st.text(
    st.characters(min_codepoint=1, max_codepoint=0x3000, exclude_categories=("Cs",)), max_size=9
)


@settings(max_examples=20, deadline=None)
@given(text.filter(lambda name: name.strip(CRUD) != ""), text, text)
def test_any_commit_is_that_of_git(
    repository: Repository, name: str, email: str, message: str
) -> None:
    check_commit(repository, name, email, message)


def test_a_spoiled_file_of_that_name_is_replaced(repository: Repository) -> None:
    content = b"spoiled before\n"
    oid = repository.write("blob", content)
    file = repository.path / "objects" / oid[:2] / oid[2:]
    file.chmod(0o644)
    file.write_bytes(b"")
    assert repository.write("blob", content) == oid
    assert repository.git("cat-file", "blob", oid) == content
    assert file.stat().st_mode & 0o777 == 0o444


def test_a_file_that_cannot_be_written_leaves_nothing_behind(repository: Repository) -> None:
    content = b"in the way\n"
    oid = repository.git("hash-object", "--stdin", stdin=content).decode().strip()
    folder = repository.path / "objects" / oid[:2] / oid[2:]
    (folder / "x").mkdir(parents=True)
    with pytest.raises(OSError, match=oid[2:]):
        repository.write("blob", content)
    assert [*folder.parent.glob("tmp_obj_*")] == []
    (folder / "x").rmdir()
    folder.rmdir()
    repository.check()


PATHS = ["top", "a", "a.b/keep", "d/x", "d/keep", "d/e/keep", "d/e/ü", "d/e.f", "d/e-/keep"]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Origin, str]]:
    """A repository with files in folders, and its commit."""
    with pytest.MonkeyPatch.context() as patch:
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "Ada")
            patch.setenv(f"GIT_{role}_EMAIL", "ada@example.org")
        with closing(Origin(tmp_path_factory.mktemp("filled"))) as origin:
            yield origin, origin.commit({path: path.encode() for path in PATHS})


changed = st.sampled_from(
    ["top", "new", "d/x", "d/new", "d/e/ü", "d/e/0", "d/e.f", "d/e-/a", "a.b/é"]
)


@settings(max_examples=20, deadline=None)
@given(changes=st.dictionaries(changed, st.one_of(st.none(), st.binary(max_size=9))))
def test_the_tree_of_any_changes_is_that_of_an_index(
    filled: tuple[Origin, str], changes: dict[str, bytes | None]
) -> None:
    origin, start = filled
    author = Author(name="Shipway", email="shipway@example.org")
    commit = commit_files(origin.mirror(), start, changes, "release\n", author)
    origin.work.read_tree(start)
    for path, content in changes.items():
        if content is None:
            origin.work.update_index("--force-remove", path)
        else:
            (origin.tree.parent / "content").write_bytes(content)
            blob = origin.work.hash_object("-w", str(origin.tree.parent / "content"))
            origin.work.update_index("--add", "--cacheinfo", f"100644,{blob},{path}")
    assert str(origin.bare.git.rev_parse(f"{commit}^{{tree}}")) == origin.work.write_tree()
    assert origin.bare.git.fsck("--strict", "--no-dangling") == ""
