"""Objects of a repository, read by one Git process for as long as somebody asks."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from select import POLLIN, POLLOUT, poll
from subprocess import TimeoutExpired
from tempfile import TemporaryFile
from typing import NamedTuple

from shipway.git.command import (
    LAST_SECONDS,
    LOCAL_TIMEOUT_SECONDS,
    CommandError,
    Git,
    end_program,
    start_program,
)

_COMMAND = ("git", "cat-file", "--batch")
# A deadline is that of so many.
_MOST_IDS = 500
_CHUNK_BYTES = 1 << 16
_HEAD = re.compile(rb"([0-9a-f]+) (?:missing|([a-z]+) ([0-9]+))")


class StoredObject(NamedTuple):
    """An object as Git has it: its kind, such as `blob`, and its content."""

    kind: str
    content: bytes


class ObjectReader:
    """A `git cat-file --batch` that answers one question after another.

    It is started by the first question, and again by the one after a failure. Objects that came
    after it was started are found.

    Args:
        git: Where it runs, and its variables.
        timeout_seconds: When a question is given up: the process ends, with all that it started.
    """

    def __init__(self, git: Git, timeout_seconds: float = LOCAL_TIMEOUT_SECONDS) -> None:
        self._git, self._timeout_seconds = git, timeout_seconds
        self._process: _Process | None = None

    def read(self, oids: Sequence[str]) -> dict[str, StoredObject | None]:
        """The objects of these full ids, each None where it is not here.

        Raises:
            CommandError: Git cannot read one, or did not answer in time.
        """
        found = dict[str, StoredObject | None]()
        try:
            for start in range(0, len(oids), _MOST_IDS):
                self._process = self._process or _Process(self._git)
                deadline = time.monotonic() + self._timeout_seconds
                asked = oids[start : start + _MOST_IDS]
                found |= self._process.answers(asked, deadline)
        except BaseException as error:
            # What it still has to say would be taken for the answer to the next question.
            self.close(at_once=True)
            if isinstance(error, TimeoutError):
                said = f"cat-file did not complete in {self._timeout_seconds:g} secs."
                raise CommandError(_COMMAND, None, said) from error
            raise
        return found

    def close(self, *, at_once: bool = False) -> None:
        """End the process; `at_once` where it may be at work."""
        process, self._process = self._process, None
        if process:
            process.close(at_once=at_once)


class _Process:
    """The process, and what it has said that nobody has read."""

    def __init__(self, git: Git) -> None:
        # A pipe that nobody reads would stop it once it is full.
        self._said = TemporaryFile()  # noqa: SIM115  # it is closed with the process
        try:
            self._popen = start_program(_COMMAND, git.folder, git.environment, stderr=self._said)
        except BaseException:
            self._said.close()
            raise
        assert self._popen.stdin is not None  # noqa: S101  # asked for in `start_program`
        assert self._popen.stdout is not None  # noqa: S101
        self._stdin, self._stdout = self._popen.stdin, self._popen.stdout
        os.set_blocking(self._stdin.fileno(), False)
        self._unsent, self._unread = b"", bytearray()

    def answers(self, oids: Sequence[str], deadline: float) -> dict[str, StoredObject | None]:
        """What it has of these ids; TimeoutError where it is late."""
        self._unsent = "".join(f"{oid}\n" for oid in oids).encode()
        return {oid: self._answer(oid, deadline) for oid in oids}

    def close(self, *, at_once: bool) -> None:
        """End it, with all that it started where that is `at_once` or it does not end by itself."""
        with suppress(OSError):
            self._stdin.close()
        if at_once or not self._has_ended():
            end_program(self._popen)
        self._stdout.close()
        self._said.close()

    def _answer(self, oid: str, deadline: float) -> StoredObject | None:
        while (end := self._unread.find(b"\n")) < 0:
            self._wait(deadline)
        head = _HEAD.fullmatch(self._take(end + 1)[:-1])
        if head is None or head[1].decode() != oid:
            raise CommandError(_COMMAND, None, f"cat-file gave no answer to {oid}.")
        if head[2] is None:
            return None
        size = int(head[3])
        while len(self._unread) <= size:
            self._wait(deadline)
        content = self._take(size)
        # Below a content, whatever its last line is, there is a line end.
        self._take(1)
        return StoredObject(head[2].decode(), content)

    def _take(self, size: int) -> bytes:
        taken = bytes(memoryview(self._unread)[:size])
        del self._unread[:size]
        return taken

    def _wait(self, deadline: float) -> None:
        """Send and read what can be sent and read, and wait until something can."""
        waiting = poll()
        waiting.register(self._stdout, POLLIN)
        if self._unsent:
            waiting.register(self._stdin, POLLOUT)
        left_seconds = deadline - time.monotonic()
        ready = dict(waiting.poll(left_seconds * 1000)) if left_seconds > 0 else {}
        if not ready:
            raise TimeoutError
        if self._stdout.fileno() in ready:
            chunk = os.read(self._stdout.fileno(), _CHUNK_BYTES)
            if not chunk:
                raise self._died()
            self._unread += chunk
        elif self._stdin.fileno() in ready:
            try:
                sent = os.write(self._stdin.fileno(), self._unsent)
            except BrokenPipeError:
                raise self._died() from None
            self._unsent = self._unsent[sent:]

    def _has_ended(self) -> bool:
        """Whether it ends by itself, as it does when no more questions can come."""
        with suppress(TimeoutExpired):
            self._popen.wait(LAST_SECONDS)
        return self._popen.returncode is not None

    def _died(self) -> CommandError:
        self._has_ended()
        self._said.seek(0)
        said = self._said.read().decode("utf-8", "backslashreplace").strip()
        return CommandError(_COMMAND, self._popen.returncode, said)
