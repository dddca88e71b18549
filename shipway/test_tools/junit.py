"""Any tool that writes JUnit XML; it is split by file where its command takes files."""

from __future__ import annotations

import glob
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from shipway.errors import FailError, RefuseError
from shipway.pyramid.plan import Plan
from shipway.pyramid.results import TestResult
from shipway.pytest_plugin.shipway_split import expected, split
from shipway.test_tools.junit_xml import parse_junit
from shipway.test_tools.lines import Lines
from shipway.test_tools.tool import FILES, Ended, Event, Invocation, Reader, ToolSettings

# A shell's statuses from here on say that a command could not start, or was ended by a signal.
MOST_COUNTED = 125
MOST_NAMED = 10
VARIABLE = "SHIPWAY_JUNIT"


class Junit:
    """A command that leaves JUnit XML.

    Args:
        command: The command; `{files}` in it stands for the files of a shard.
        path: Glob of the JUnit XML that it writes, if it does not read $SHIPWAY_JUNIT.
        files: The test files, where the command takes any.
    """

    keys: ClassVar = frozenset({"files", "junit"})

    def __init__(self, command: Sequence[str], path: str | None, files: Sequence[str]) -> None:
        self._command = list(command)
        self._path = path
        self._files = list(files)

    @classmethod
    def recognizes(cls, command: Sequence[str]) -> bool:
        """No command says what it writes."""
        return False

    @classmethod
    def check(cls, settings: ToolSettings) -> None:
        """Any command may write JUnit XML."""

    @classmethod
    def splits(cls, settings: ToolSettings) -> bool:
        """It splits by file, where the command takes files."""
        return settings.files is not None

    @classmethod
    def create(cls, settings: ToolSettings, code: Path, *, fail_fast: bool) -> Junit:
        """With the files that the layer names."""
        return cls(settings.command, settings.junit, files_of(settings, code))

    def invocation(self, plan: Plan, folder: str, env: Mapping[str, str]) -> Invocation | None:
        """The command with the plan's files."""
        file = f"{folder}/junit.xml"
        command = self._command
        if FILES in command:
            files = self._files_in(plan)
            if not files:
                return None
            at = command.index(FILES)
            command = [*command[:at], *files, *command[at + 1 :]]
        return Invocation(
            command=command,
            env={VARIABLE: self._path or file},
            results=self._path or glob.escape(file),
        )

    def reader(self) -> Reader:
        """A reader of lines, and of JUnit XML at the end."""
        return JunitReader(shlex.join(self._command), self._path, self._files)

    def unit_of(self, test: TestResult) -> str:
        """Its file; without one, the command runs as a whole."""
        return test.file if test.file in self._files else FILES

    def local_command(self, test: TestResult) -> str:
        """The command with the test's file."""
        if FILES not in self._command:
            return shlex.join(self._command)
        file = self.unit_of(test)
        files = self._files if file == FILES else [file]
        at = self._command.index(FILES)
        return shlex.join([*self._command[:at], *files, *self._command[at + 1 :]])

    def _files_in(self, plan: Plan) -> list[str]:
        if plan.only is not None:
            return self._files if FILES in plan.only else [*plan.only]
        load = expected(set(self._files).difference(plan.done), plan.seconds)
        return sorted(split(load, plan.shards)[plan.shard])


class JunitReader:
    """Reads lines, and JUnit XML at the end."""

    def __init__(self, command: str, path: str | None, files: Sequence[str]) -> None:
        self._command = command
        self._path = path
        self._files = files
        self._lines = Lines()

    def feed(self, chunk: bytes) -> Sequence[Event]:
        """Lines."""
        return self._lines.feed(chunk)

    def running(self) -> Sequence[TestResult]:
        """None: only the end tells of them."""
        return ()

    def finish(self, ended: Ended, last_words: str) -> Sequence[TestResult]:
        """What the JUnit XML holds."""
        place = self._path or f"${VARIABLE}"
        last = f"exit status {ended.status}; its last words:\n{last_words}"
        if not ended.results:
            raise FailError(
                "The test command left no results.",
                where=self._command,
                expected=f"a new or changed file with JUnit XML at {place}",
                got=last,
                remedy="write JUnit XML to $SHIPWAY_JUNIT, or set the layer's junit",
            )
        written = [
            test
            for path, xml in sorted(ended.results.items())
            for test in parse_junit(xml, f"{path if self._path else place} of {self._command}")
        ]
        files = {file: self._layer_file(file) for file in {test.file for test in written}}
        results = [self._renamed(test, files[test.file]) for test in written]
        failed = [test.name for test in results if test.outcome == "failed"]
        if ended.status != 0 and not failed:
            raise FailError(
                "The test command failed, although no test did.",
                where=self._command,
                expected="exit status 0",
                got=last,
            )
        if failed and ended.status not in {1, min(len(failed), MOST_COUNTED)}:
            raise FailError(
                "The test command ended with a status that its tests do not explain.",
                where=self._command,
                expected="exit status 1, or the number of failed tests",
                got=f"{last}\nfailed: {', '.join(failed[:MOST_NAMED])}",
                remedy="mend what its last words say; where the tool has another status for "
                "failed tests, let the command end with 1 instead",
            )
        return _numbered(results)

    def _renamed(self, test: TestResult, file: str) -> TestResult:
        """With the file in its name: a shard has some of the files, and two may share a name."""
        bare = file not in self._files or test.name.startswith(file)
        name = test.name if bare else f"{file}::{test.name}"
        return test.model_copy(update={"name": name, "file": file})

    def _layer_file(self, file: str) -> str:
        """The file as the layer names it; tools write absolute paths too."""
        same = (name for name in self._files if file == name or file.endswith(f"/{name}"))
        return max(same, key=len, default=file)


def files_of(settings: ToolSettings, code: Path) -> list[str]:
    """The files that a layer's `files` match, from the app's folder.

    Raises:
        RefuseError: There are none.
    """
    if settings.files is None:
        return []
    files = sorted(str(file.relative_to(code)) for file in code.glob(settings.files))
    if not files:
        raise RefuseError(
            "No file matches the layer's files.",
            where="pipeline.yaml",
            expected="test files in the app's folder",
            got=settings.files,
            untouched="everything: nothing was built, pushed or committed",
        )
    return files


def _numbered(results: Sequence[TestResult]) -> list[TestResult]:
    """The same results; the second and further ones of a name bear their number."""
    seen = Counter[str]()
    named: list[TestResult] = []
    for test in results:
        seen[test.name] += 1
        number = f" #{seen[test.name]}" if seen[test.name] > 1 else ""
        named.append(test.model_copy(update={"name": test.name + number}))
    return named
