"""The one place that runs Git: with settings of Shipway's own, and a deadline for all it starts.

A worker's own Git settings have no say: neither its configuration files nor its `GIT_*` variables
reach a command. GitPython is not used here: it hands every variable on, and its `Repo` and gitdb
keep the memory maps of a whole process in one place without a lock, so that threads spoil each
other's.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE, Popen, TimeoutExpired
from typing import IO

# What works on local files alone takes seconds, or a few minutes for a large checkout.
LOCAL_TIMEOUT_SECONDS = 1800
# What a program has to end by itself.
LAST_SECONDS = 1.0
_POLL_SECONDS = 0.02

# What a program needs to start and to reach a server; every other variable stays out.
_KEPT = (
    "PATH",
    "LD_LIBRARY_PATH",
    "TMPDIR",
    "TZ",
    "SSH_AUTH_SOCK",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
)
_SET = {
    "LC_ALL": "C",
    # Where .gitconfig, .netrc and .config/git/attributes would be.
    "HOME": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    # An object that is missing is asked for by Shipway, many at once; Git itself would ask for
    # each, and where the server has none, start itself again and again.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_TERMINAL_PROMPT": "0",
}


class CommandError(Exception):
    """A program failed, could not be started, or did not complete in time.

    Args:
        command: The program and its arguments.
        status: Its exit status; None where it has none of its own.
        stderr: What it said.
        stdout: What it printed.
    """

    def __init__(
        self, command: Sequence[str], status: int | None, stderr: str, stdout: str = ""
    ) -> None:
        super().__init__(f"{command[0]} ({status}): {stderr}")
        self.command, self.status = tuple(command), status
        self.stderr, self.stdout = stderr, stdout


@dataclass(frozen=True)
class Git:
    """Where Git runs, and the variables of every command there."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


def run_git(
    git: Git,
    *command: str,
    timeout_seconds: float = LOCAL_TIMEOUT_SECONDS,
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
        CommandError: It failed, or did not complete in time.
    """
    variables = {**git.environment, **(environment or {})}
    return run_program(
        ("git", *command), git.folder, variables, stdin=stdin, timeout_seconds=timeout_seconds
    )


def run_program(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    stdin: bytes = b"",
    timeout_seconds: float = LOCAL_TIMEOUT_SECONDS,
) -> bytes:
    """Run a program in a process group of its own, and return what it prints, to the byte.

    Args:
        command: The program and its arguments.
        folder: Where it runs.
        environment: Its variables, beside those of `program_environment`.
        stdin: What it reads.
        timeout_seconds: When it is ended, with everything that it started.

    Raises:
        CommandError: It failed, or did not complete in time.
    """
    process = start_program(command, folder, environment)
    try:
        out, err = process.communicate(stdin, timeout_seconds)
    except BaseException as error:
        end_program(process)
        if isinstance(error, TimeoutExpired):
            said = f"{command[1]} did not complete in {timeout_seconds:g} secs."
            raise CommandError(command, None, said) from error
        raise
    if process.returncode != 0:
        said, printed = (text.decode("utf-8", "backslashreplace") for text in (err, out))
        raise CommandError(command, process.returncode, said.strip(), printed)
    return out


def start_program(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    stderr: int | IO[bytes] = PIPE,
) -> Popen[bytes]:
    """Start a program in a process group of its own; whoever starts it ends it by `end_program`.

    Args:
        command: The program and its arguments.
        folder: Where it runs.
        environment: Its variables, beside those of `program_environment`.
        stderr: Where it says what went wrong.

    Raises:
        CommandError: It could not be started.
    """
    try:
        return Popen(
            # File names that are not UTF-8 come back as the bytes that they are.
            [word.encode("utf-8", "surrogateescape") for word in command],
            cwd=folder,
            env=program_environment() | dict(environment),
            stdin=PIPE,
            stdout=PIPE,
            stderr=stderr,
            start_new_session=True,
        )
    except OSError as error:
        raise CommandError(command, None, str(error)) from error


def end_program(process: Popen[bytes]) -> None:
    """End the whole group; nobody is left who holds a pipe open."""
    with suppress(ProcessLookupError):
        # Git takes its locks away when it is asked to end.
        os.killpg(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + LAST_SECONDS
        while time.monotonic() < deadline:
            process.poll()
            os.killpg(process.pid, 0)
            time.sleep(_POLL_SECONDS)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        with suppress(OSError):
            if pipe is not None:
                pipe.close()


def program_environment() -> dict[str, str]:
    """The variables of every program: what is kept of the worker's, and what Shipway sets."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    # The worker's own authorities, by the name that OpenSSL reads.
    authorities = os.environ.get("SSL_CERT_FILE")
    return kept | _SET | ({"GIT_SSL_CAINFO": authorities} if authorities else {})
