"""JUnit XML, and the Test Anything Protocol on standard output: a failure is known at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from shipway.pyramid.results import TestResult
from shipway.test_tools.junit import Junit, files_of
from shipway.test_tools.tool import Ended, Event, Reader, ToolSettings

# `# TODO` and `# SKIP` are no failures.
NOT_OK = re.compile(
    r"^\s*not ok\b[ \d]*(?:- )?(?P<name>(?:[^#\n\\]|\\.)*)(?P<known>#\s*(?:todo|skip))?",
    re.IGNORECASE,
)


class Tap(Junit):
    """A command that leaves JUnit XML, and prints the Test Anything Protocol.

    TAP has other names than JUnit XML, so that it serves only where the first failure ends the
    layer.
    """

    def __init__(
        self, command: Sequence[str], path: str | None, files: Sequence[str], *, fail_fast: bool
    ) -> None:
        super().__init__(command, path, files)
        self._fail_fast = fail_fast

    @classmethod
    def create(cls, settings: ToolSettings, code: Path, *, fail_fast: bool) -> Tap:
        """With the files that the layer names."""
        files = files_of(settings, code)
        return cls(settings.command, settings.junit, files, fail_fast=fail_fast)

    def reader(self) -> Reader:
        """A reader of JUnit XML at the end, and of failures before it where these end the layer."""
        junit = super().reader()
        return TapReader(junit) if self._fail_fast else junit


class TapReader:
    """Reads the failures out of TAP.

    Args:
        junit: Reads all else.
    """

    def __init__(self, junit: Reader) -> None:
        self._junit = junit

    def feed(self, chunk: bytes) -> Sequence[Event]:
        """Lines, and the tests that fail."""
        events: list[Event] = []
        for event in self._junit.feed(chunk):
            events.append(event)
            if isinstance(event, str) and (failed := _failed(event)):
                events.append(failed)
        return events

    def running(self) -> Sequence[TestResult]:
        """None: TAP has no line for a test that begins."""
        return self._junit.running()

    def finish(self, ended: Ended, last_words: str) -> Sequence[TestResult]:
        """What the JUnit XML holds."""
        return self._junit.finish(ended, last_words)


def _failed(line: str) -> TestResult | None:
    """The test that a line says has failed."""
    not_ok = NOT_OK.match(line)
    if not_ok is None or not_ok["known"]:
        return None
    name = not_ok["name"].strip() or line.strip()
    return TestResult(name=name, outcome="failed", seconds=0.0, message=line)
