from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from git.cmd import Git
from git.exc import GitCommandError

from shipway.git.command import run_git


def test_a_command_reads_and_prints_bytes_and_has_variables_of_its_own(tmp_path: Path) -> None:
    git = Git(tmp_path)
    text = bytes(range(256)) + b"\n"
    assert run_git(git, "stripspace", stdin=b"a  \n") == b"a\n"
    assert run_git(git, "-c", "alias.same=!cat", "same", stdin=text) == text
    alias = ("-c", 'alias.say=!printf "%s" "$WORD"', "say")
    assert run_git(git, *alias, environment={"WORD": "one"}) == b"one"
    assert run_git(git, *alias) == b""


def test_a_command_that_fails_says_what_git_said(tmp_path: Path) -> None:
    with pytest.raises(GitCommandError, match="not a git command"):
        run_git(Git(tmp_path), "no-such-command")


def test_the_deadline_ends_a_command_with_all_that_it_started(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    # A child of a child keeps the pipe open, and with it what Git prints.
    hang = f"alias.hang=!sh -c '(echo started; sleep 60) >{pipe} & wait'"
    begin = time.monotonic()
    with pytest.raises(GitCommandError, match=r"did not complete in 0\.5 secs\."):
        run_git(Git(tmp_path), "-c", hang, "hang", timeout_seconds=0.5)
    os.set_blocking(reader, True)
    with os.fdopen(reader, "rb") as stream:
        assert stream.read() == b"started\n"
    assert time.monotonic() - begin < 30
