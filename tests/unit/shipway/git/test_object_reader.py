from __future__ import annotations

import hashlib
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from shipway.git.command import CommandError, Git
from shipway.git.object_reader import ObjectReader, StoredObject


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository.git"
    subprocess.run(["git", "init", "-q", "--bare", str(folder)], check=True)
    return folder


@pytest.fixture
def reader(repository: Path) -> Iterator[ObjectReader]:
    with closing(ObjectReader(Git(repository, {"GIT_DIR": str(repository)}))) as reader:
        yield reader


def write(repository: Path, content: bytes) -> str:
    command = ["git", f"--git-dir={repository}", "hash-object", "-w", "--stdin"]
    done = subprocess.run(command, input=content, capture_output=True, check=True)
    return done.stdout.decode().strip()


def blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def path_of(repository: Path, oid: str) -> Path:
    return repository / "objects" / oid[:2] / oid[2:]


def children() -> set[str]:
    """The processes of this one that run."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {pid for task in tasks for pid in task.read_text().split()}


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"a", b"a\n\n", bytes(range(256)), b"x missing\n" * 9, b"x" * 3_000_000]
)
def test_any_content_is_read_to_the_byte(
    repository: Path, reader: ObjectReader, content: bytes
) -> None:
    first, oid, last = write(repository, b"first"), write(repository, content), "1" * 40
    assert reader.read([first, oid, last, oid]) == {
        first: StoredObject("blob", b"first"),
        oid: StoredObject("blob", content),
        last: None,
    }
    assert reader.read([oid]) == {oid: StoredObject("blob", content)}


def test_nothing_is_started_for_no_question(reader: ObjectReader) -> None:
    before = children()
    assert reader.read([]) == {}
    assert children() == before


def test_one_process_answers_any_number_of_questions(
    repository: Path, reader: ObjectReader
) -> None:
    before = children()
    oids = [write(repository, b"%d" % number) for number in range(30)]
    asked = [oid for oid in oids for _ in range(100)] + [f"{number:040x}" for number in range(3000)]
    found = reader.read(asked)
    assert [found[oid] for oid in oids] == [StoredObject("blob", b"%d" % n) for n in range(30)]
    assert sum(one is None for one in found.values()) == 3000
    process = children() - before
    reader.read(oids)
    assert children() - before == process
    assert len(process) == 1
    reader.close()
    assert children() == before


def test_objects_that_arrive_later_are_found(repository: Path, reader: ObjectReader) -> None:
    loose, packed = b"loose\n", b"packed\n"
    oids = [blob_id(loose), blob_id(packed)]
    assert reader.read(oids) == dict.fromkeys(oids)
    assert [write(repository, loose), write(repository, packed)] == oids
    command = ["git", f"--git-dir={repository}", "pack-objects", "-q"]
    pack = [*command, str(repository / "objects/pack/pack")]
    subprocess.run(pack, input=oids[1].encode() + b"\n", stdout=subprocess.DEVNULL, check=True)
    path_of(repository, oids[1]).unlink()
    assert [one and one.content for one in reader.read(oids).values()] == [loose, packed]


def test_an_object_that_git_cannot_read_is_told_and_the_next_question_has_its_own_answer(
    repository: Path, reader: ObjectReader
) -> None:
    before = children()
    good, bad = write(repository, b"good"), write(repository, os.urandom(9999))
    file = path_of(repository, bad)
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(CommandError, match="unable to stream") as caught:
        reader.read([good, bad, good])
    assert caught.value.status == 128
    assert children() == before
    assert reader.read([good]) == {good: StoredObject("blob", b"good")}


def stub(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Another program that is called Git."""
    (folder / "git").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


@pytest.mark.parametrize(
    "script",
    [
        "sleep 60",
        # Whether it is found dead or late is a matter of chance.
        "sleep 60 & exit 0",
        "cat >/dev/null & sleep 60",
        "trap '' TERM; sleep 60; sleep 60",
    ],
)
def test_a_question_without_an_answer_is_given_up_and_ends_all_that_was_started(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    stream = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    stub(tmp_path, monkeypatch, f"exec 9>{pipe}; {script}")
    reader, begin = ObjectReader(Git(repository), timeout_seconds=0.5), time.monotonic()
    with pytest.raises(CommandError) as caught:
        reader.read([f"{number:040x}" for number in range(3000)])
    assert "exit" in script or caught.value.stderr == "cat-file did not complete in 0.5 secs."
    os.set_blocking(stream, True)
    with os.fdopen(stream, "rb") as left:
        assert left.read() == b"", "somebody still has it open"
    assert time.monotonic() - begin < 30


def test_a_program_that_says_something_else_is_an_error(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub(tmp_path, monkeypatch, "echo something else; cat")
    with pytest.raises(CommandError, match="gave no answer to 1111"):
        ObjectReader(Git(repository)).read(["1" * 40])


def test_a_program_that_ends_at_once_is_an_error_with_its_words(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # More words than a pipe takes.
    stub(tmp_path, monkeypatch, "yes wrong | head -c 200000 >&2; exit 3")
    with pytest.raises(CommandError, match="wrong") as caught:
        ObjectReader(Git(repository)).read(["1" * 40])
    assert caught.value.status == 3


def test_a_program_that_is_not_there_is_an_error(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandError, match="No such file"):
        ObjectReader(Git(repository)).read(["1" * 40])
