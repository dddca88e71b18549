"""The one place that runs Git: in a process group of its own, with a deadline.

Of GitPython, only what runs commands is used. Its `Repo` and gitdb keep the memory maps of a whole
process in one place without a lock, so that threads spoil each other's.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from subprocess import PIPE, Popen, TimeoutExpired
from typing import Any

from git.cmd import Git
from git.exc import GitCommandError

# What works on local files alone takes seconds, or a few minutes for a large checkout.
_LOCAL_TIMEOUT_SECONDS = 1800


def run_git(
    git: Git,
    *command: str,
    timeout_seconds: float = _LOCAL_TIMEOUT_SECONDS,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
) -> bytes:
    """Run a Git command, and return what it prints, to the byte.

    Args:
        git: Where it runs, and the environment of every command.
        command: The command and its arguments, without `git`.
        timeout_seconds: When it is ended, with everything that it started.
        stdin: What it reads.
        environment: Variables of this command alone.

    Raises:
        GitCommandError: It failed, or did not complete in time.
    """
    # Its overloads do not know these options together.
    start: Any = git.execute
    words = ["git", *command]
    # GitPython's own deadline finds what the command started by `pgrep` or `ps`, which an image may
    # lack; whoever is left then holds the pipes open.
    handle: Any = start(
        words, istream=PIPE, as_process=True, env=environment, start_new_session=True
    )
    process: Popen[bytes] = handle.proc
    try:
        out, err = process.communicate(stdin, timeout_seconds)
    except BaseException as error:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if isinstance(error, TimeoutExpired):
            said = f"{command[0]} did not complete in {timeout_seconds:g} secs."
            raise GitCommandError(words, "timeout", said) from error
        raise
    if process.returncode != 0:
        raise GitCommandError(words, process.returncode, err, out)
    return out
