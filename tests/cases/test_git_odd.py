"""File names, commits and repositories that are not as expected.

Each input is an ops or a source repository with odd file names or odd old commits, or one with
SHA-256 ids: it is read, and a release changes the one file that it means.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from git import Repo

from shipway.app_environment import AppEnvironment
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder, Proposal
from shipway.git.ops_repository import OpsRepository
from shipway.git.source_repository import SourceRepository
from shipway.git.trailers import with_trailers
from tests.support.ops_commits import ops_commits
from tests.support.origin import Origin

SHOP = AppEnvironment(environment="prod", app="shop")
TRAILERS = {"App": "shop", "Environment": "prod"}
ODD_NAMES = [
    b"caf\xe9.yaml",
    b"\xff\xfe",
    b"a\nb.yaml",
    b"a\tb",
    b'quote".yaml',
    b"back\\slash",
    b"\\xe9.yaml",
    b"\x1b[2J.yaml",
    b"\x01\x1e\x1f",
    b" lead and end ",
    b"-x.yaml",
    b"--all",
    b"*?[a]",
    b"%s:%d",
    b"a:b",
    b"\xf0\x9f\x9a\x80.yaml",
    b"\xed\xa0\x80.yaml",
    b"e\xcc\x81.yaml",
    b"x" * 255,
    b"con.yaml",
    b".gitmodules.yaml",
    b"'; rm -rf x",
]


def listing(origin: Origin, commit: str) -> bytes:
    command = ["git", f"--git-dir={origin.path}", "ls-tree", "-r", "-z", commit]
    return subprocess.run(command, capture_output=True, check=True).stdout


def propose(there: OpsFolder, _history: History) -> Proposal:
    message = with_trailers("next", TRAILERS)
    return Proposal(changes={f"{there.path}/web.yaml": b"b\n"}, message=message)


def write_odd(origin: Origin, name: bytes) -> None:
    for folder in (b"prod/shop", b"prod", b"", b"prod/shop/deep"):
        path = origin.tree / os.fsdecode(folder) / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"odd\n")


@pytest.mark.parametrize("name", ODD_NAMES)
def test_files_of_any_name_stay_as_they_are_beside_a_release(origin: Origin, name: bytes) -> None:
    origin.commit({"prod/shop/web.yaml": b"a\n", "prod/shop/rollout.yaml": b"c\n"})
    write_odd(origin, name)
    first = origin.commit_tree()
    ops = OpsRepository(url=origin.url)
    before = ops.fetch(SHOP)
    assert sorted(before.files.values()) == [b"a\n", b"c\n", b"odd\n"]
    # What is read goes into logs, JSON and messages.
    assert len(before.fingerprint) == 64
    assert before.model_dump_json()
    assert [file.encode() for file in before.files]
    assert ops.apps() == [SHOP]
    assert len(ops.export(before.commit, ["prod"])) == 5
    landed = ops.commit(SHOP, propose)
    old, new = (listing(origin, commit).split(b"\0") for commit in (first, landed.commit))
    changed = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
    assert len(changed) == 1
    assert all(line.endswith(b"\tprod/shop/web.yaml") for line in changed[0])


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_file_of_any_name_can_be_changed_by_the_name_it_is_read_by(
    origin: Origin, name: bytes
) -> None:
    write_odd(origin, name)
    first = origin.commit_tree()
    ops = OpsRepository(url=origin.url)

    def edit(there: OpsFolder, _history: History) -> Proposal:
        (file,) = there.files
        return Proposal(changes={f"{there.path}/{file}": b"new\n"}, message="edit")

    landed = ops.commit(SHOP, edit)
    old, new = (listing(origin, commit).split(b"\0") for commit in (first, landed.commit))
    changed = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
    assert [line.partition(b"\t")[2] for line in changed[0]] == [b"prod/shop/" + name] * 2


@pytest.mark.parametrize("name", ODD_NAMES)
def test_files_of_any_name_are_checked_out(origin: Origin, tmp_path: Path, name: bytes) -> None:
    write_odd(origin, name)
    origin.commit({"prod/.gitattributes": b"*.bin filter=lfs\n"})
    source = SourceRepository(url=origin.url, folder="prod")
    into = source.checkout(source.resolve("main"), tmp_path / "checkout")
    assert (into / os.fsdecode(name)).read_bytes() == b"odd\n"


AUTHOR = b"author A <a@x> 1700000000 +0000\n"
COMMITTER = b"committer C <c@x> 1700000000 +0000\n"
MESSAGE = b"subject\n\nApp: shop\nEnvironment: prod\n"
# Headers and message of an old commit, after its tree and parent.
ODD_COMMITS = {
    "empty author": (b"author  <> 1700000000 +0000\n" + COMMITTER, MESSAGE),
    "empty committer": (AUTHOR + b"committer  <> 1700000000 +0000\n", MESSAGE),
    "no e-mail": (b"author A 1700000000 +0000\ncommitter C 1700000000 +0000\n", MESSAGE),
    "no date": (b"author A <a@x>\ncommitter C <c@x>\n", MESSAGE),
    "a date that is none": (b"author A <a@x> x y\ncommitter C <c@x> x y\n", MESSAGE),
    "a date before 1970": (AUTHOR + b"committer C <c@x> -1000 +0000\n", MESSAGE),
    "a date without end": (AUTHOR + b"committer C <c@x> 99999999999999999999 +0000\n", MESSAGE),
    "a date in 10000": (AUTHOR + b"committer C <c@x> 253402300800 +0000\n", MESSAGE),
    "an odd zone": (AUTHOR + b"committer C <c@x> 1700000000 +051800\n", MESSAGE),
    "a zone beyond a day": (AUTHOR + b"committer C <c@x> 1700000000 +9959\n", MESSAGE),
    "no zone": (AUTHOR + b"committer C <c@x> 1700000000\n", MESSAGE),
    "no author": (COMMITTER, MESSAGE),
    "two authors": (AUTHOR + AUTHOR + COMMITTER, MESSAGE),
    "a latin-1 author": (b"author Andr\xe9 <a@x> 1700000000 +0000\n" + COMMITTER, MESSAGE),
    "a latin-1 subject": (AUTHOR + COMMITTER, MESSAGE.replace(b"subject", b"caf\xe9")),
    "latin-1 that is told": (
        AUTHOR + COMMITTER + b"encoding ISO-8859-1\n",
        MESSAGE.replace(b"subject", b"caf\xe9"),
    ),
    "an encoding that is none": (AUTHOR + COMMITTER + b"encoding none\n", MESSAGE),
    "UTF-16 that is told": (AUTHOR + COMMITTER + b"encoding UTF-7\n", MESSAGE),
    "a subject of several lines": (AUTHOR + COMMITTER, MESSAGE.replace(b"subject", b"a\nb\nc")),
    "field separators": (AUTHOR + COMMITTER, MESSAGE.replace(b"subject", b"a\x1fb\x1ec\x1d\x1c")),
    "separators in a name": (
        b"author A\x1fB\x1eC <a@x> 1700000000 +0000\n" + COMMITTER,
        MESSAGE,
    ),
    "separators in a trailer": (AUTHOR + COMMITTER, MESSAGE + b"Reason: a\x1eb\x1fc\n"),
    "a line separator in a trailer": (
        AUTHOR + COMMITTER,
        MESSAGE + "Reason: a\u2028App: evil\u0085App: evil\n".encode(),
    ),
    "carriage returns": (AUTHOR + COMMITTER, MESSAGE.replace(b"\n", b"\r\n")),
    "no subject": (AUTHOR + COMMITTER, b"\n\n\n" + MESSAGE),
    "only trailers": (AUTHOR + COMMITTER, b"App: shop\nEnvironment: prod\n"),
    "no message": (AUTHOR + COMMITTER, b""),
    "no line end": (AUTHOR + COMMITTER, MESSAGE.rstrip()),
    "an escape": (AUTHOR + COMMITTER, MESSAGE.replace(b"subject", b"\x1b[2J")),
    "an unknown header": (AUTHOR + COMMITTER + b"x-odd a\n b\n", MESSAGE),
    "a signature that is none": (AUTHOR + COMMITTER + b"gpgsig none\n none\n", MESSAGE),
    "a long subject": (AUTHOR + COMMITTER, MESSAGE.replace(b"subject", b"x" * 100_000)),
}


@pytest.fixture
def odd(origin: Origin, request: pytest.FixtureRequest) -> str:
    """A repository whose newest commit is odd."""
    headers, message = ODD_COMMITS[request.param]
    parent = origin.commit({"prod/shop/web.yaml": b"a\n"}, with_trailers("first", TRAILERS))
    tree = str(origin.bare.git.rev_parse(f"{parent}^{{tree}}"))
    text = f"tree {tree}\nparent {parent}\n".encode() + headers + b"\n" + message
    command = ["git", f"--git-dir={origin.path}", "hash-object", "-t", "commit", "-w", "--stdin"]
    command.insert(-1, "--literally")
    commit = subprocess.run(command, input=text, capture_output=True, check=True).stdout.decode()
    (origin.path / "refs/heads/main").write_text(commit)
    return commit.strip()


@pytest.mark.parametrize("odd", ODD_COMMITS, indirect=True)
def test_an_old_commit_of_any_kind_is_read(origin: Origin, odd: str) -> None:
    revision = SourceRepository(url=origin.url).resolve("main")
    assert revision.commit == odd
    assert revision.model_dump_json()
    assert revision.at.tzinfo is not None
    for text in (revision.author, revision.subject):
        assert text.encode().decode().isprintable()


@pytest.mark.parametrize("odd", ODD_COMMITS, indirect=True)
def test_a_release_onto_an_old_commit_of_any_kind(
    origin: Origin, odd: str, request: pytest.FixtureRequest
) -> None:
    ops = OpsRepository(url=origin.url)
    records = ops_commits(ops, SHOP)
    case = request.node.callspec.params["odd"]
    unmarked = {"no message"}
    assert (records[0].commit == odd) == (case not in unmarked)
    for record in records:
        assert record.trailers | TRAILERS == record.trailers
        assert set(record.trailers) <= {"App", "Environment", "Reason"}
        assert record.by.isprintable()
        assert record.model_dump_json()
    landed = ops.commit(SHOP, propose)
    assert origin.bare.git.rev_parse("main~1") == odd
    assert ops_commits(ops, SHOP)[0].commit == landed.commit


@pytest.mark.parametrize("odd", ["no date", "a date that is none"], indirect=True)
def test_a_commit_without_a_date_has_that_of_git(origin: Origin, odd: str) -> None:
    found = SourceRepository(url=origin.url).resolve("main")
    assert (found.commit, found.at) == (odd, datetime(1970, 1, 1, tzinfo=UTC))


@pytest.fixture
def sha256(tmp_path: Path, origin: Origin) -> Origin:
    """A repository with SHA-256 ids."""
    shutil.rmtree(origin.path)
    subprocess.run(
        ["git", "init", "-q", "--bare", "-b", "main", "--object-format=sha256", str(origin.path)],
        check=True,
    )
    origin.bare = Repo(origin.path)
    origin.bare.git.config("uploadpack.allowFilter", "true")
    origin.commit({"prod/shop/web.yaml": b"a\n", "prod/shop/rollout.yaml": b"c\n"})
    return origin


def test_a_repository_with_sha_256_ids_is_released_to(sha256: Origin) -> None:
    first = sha256.tip()
    assert len(first) == 64
    ops = OpsRepository(url=sha256.url)
    assert ops.fetch(SHOP).files == {"web.yaml": b"a\n", "rollout.yaml": b"c\n"}
    assert ops.apps() == [SHOP]
    landed = ops.commit(SHOP, propose)
    assert (landed.new, landed.commit) == (True, sha256.tip())
    assert sha256.changed(first, landed.commit) == ["M\tprod/shop/web.yaml"]
    assert [one.commit for one in ops_commits(ops, SHOP)] == [landed.commit]


@pytest.mark.parametrize("ref", ["main", "HEAD", None, "full", "short"])
def test_a_repository_with_sha_256_ids_is_released_from(
    sha256: Origin, tmp_path: Path, ref: str | None
) -> None:
    first = sha256.tip()
    second = sha256.commit({"prod/shop/web.yaml": b"b\n"})
    source = SourceRepository(url=sha256.url, folder="prod/shop")
    revision = source.resolve({"full": second, "short": second[:9]}.get(str(ref), ref))
    assert revision.commit == second
    assert (source.checkout(revision, tmp_path / "out") / "web.yaml").read_bytes() == b"b\n"
    assert source.is_ancestor(first, second)
    assert not source.is_ancestor(second, first)
    sha256.path.rename(sha256.path.with_suffix(".away"))
    assert source.resolve(second).commit == second
