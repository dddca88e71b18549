from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from shipway.git.command import CommandError, Git, program_environment, run_git


def test_a_command_reads_and_prints_bytes_and_has_variables_of_its_own(tmp_path: Path) -> None:
    git = Git(tmp_path)
    text = bytes(range(256)) + b"\n"
    assert run_git(git, "stripspace", stdin=b"a  \n") == b"a\n"
    assert run_git(git, "-c", "alias.same=!cat", "same", stdin=text) == text
    alias = ("-c", 'alias.say=!printf "%s" "$WORD"', "say")
    assert run_git(git, *alias, environment={"WORD": "one"}) == b"one"
    assert run_git(git, *alias) == b""


def test_a_command_that_fails_says_what_git_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="not a git command"):
        run_git(Git(tmp_path), "no-such-command")


def test_the_deadline_ends_a_command_with_all_that_it_started(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    # A child of a child keeps the pipe open, and with it what Git prints.
    hang = f"alias.hang=!sh -c '(echo started; sleep 60) >{pipe} & wait'"
    begin = time.monotonic()
    with pytest.raises(CommandError, match=r"did not complete in 0\.5 secs\."):
        run_git(Git(tmp_path), "-c", hang, "hang", timeout_seconds=0.5)
    os.set_blocking(reader, True)
    with os.fdopen(reader, "rb") as stream:
        assert stream.read() == b"started\n"
    assert time.monotonic() - begin < 30


def test_of_the_workers_variables_the_listed_ones_reach_a_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = {"https_proxy": "http://proxy:3128", "NO_PROXY": "localhost", "TMPDIR": "/var/tmp"}
    others = {"GIT_SSL_NO_VERIFY": "1", "GIT_SSL_CAINFO": "x", "XDG_CONFIG_HOME": "x", "FOO": "x"}
    for name, value in (kept | others | {"SSL_CERT_FILE": "/ca.pem", "HOME": "/home/x"}).items():
        monkeypatch.setenv(name, value)
    found = program_environment()
    assert found | kept == found
    assert found["GIT_SSL_CAINFO"] == "/ca.pem"
    assert found["HOME"] == os.devnull
    assert {"GIT_SSL_NO_VERIFY", "XDG_CONFIG_HOME", "FOO"} & set(found) == set()


def test_a_program_that_is_not_there_is_an_error_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandError, match="No such file or directory") as caught:
        run_git(Git(tmp_path), "version")
    assert caught.value.status is None


def test_words_that_are_not_utf_8_reach_a_command_as_they_are(tmp_path: Path) -> None:
    word = b"a\xff".decode("utf-8", "surrogateescape")
    alias = ("-c", 'alias.say=!printf "%s"', "say")
    assert run_git(Git(tmp_path), *alias, word) == b"a\xff"
