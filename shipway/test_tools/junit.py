"""Any tool that writes JUnit XML; it is split by file where its command takes files."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence

from shipway.errors import FailError
from shipway.pyramid.results import TestResult
from shipway.pytest_plugin.shipway_split import expected, split
from shipway.test_tools.junit_xml import parse_junit
from shipway.test_tools.lines import Lines
from shipway.test_tools.tool import Ended, Event, Invocation, Plan

FILES = "{files}"
# The Test Anything Protocol; `# TODO` and `# SKIP` are no failures there.
NOT_OK = re.compile(
    r"^\s*not ok\b[ \d]*(?:- )?(?P<name>(?:[^#\n\\]|\\.)*)(?P<known>#\s*(?:todo|skip))?",
    re.IGNORECASE,
)


class Junit:
    """A command that leaves JUnit XML.

    Args:
        command: The command; `{files}` in it stands for the files of a shard.
        path: Where it writes JUnit XML, if it does not read $SHIPWAY_JUNIT.
        files: The test files, where the command takes any.
        tap: Whether it prints the Test Anything Protocol, so that a failure is known at once.
    """

    def __init__(
        self, command: Sequence[str], path: str | None, files: Sequence[str], *, tap: bool
    ) -> None:
        self._command = list(command)
        self._path = path
        self._files = list(files)
        self._tap = tap

    @property
    def splits(self) -> bool:
        """Whether the command takes files."""
        return FILES in self._command

    def invocation(self, plan: Plan, folder: str, env: Mapping[str, str]) -> Invocation | None:
        """The command with the plan's files."""
        path = self._path or f"{folder}/junit.xml"
        command = self._command
        if self.splits:
            files = self._chosen(plan)
            if not files:
                return None
            at = command.index(FILES)
            command = [*command[:at], *files, *command[at + 1 :]]
        return Invocation(command=command, env={"SHIPWAY_JUNIT": path}, results=path)

    def reader(self) -> JunitReader:
        """A reader of lines, and of JUnit XML at the end."""
        return JunitReader(shlex.join(self._command), self._path, self._files, tap=self._tap)

    def unit_of(self, test: TestResult) -> str:
        """Its file; without one, the command runs as a whole."""
        return test.file if test.file in self._files else FILES

    def local_command(self, test: TestResult) -> str:
        """The command with the test's file."""
        file = self.unit_of(test)
        if not self.splits:
            return shlex.join(self._command)
        files = self._files if file == FILES else [file]
        at = self._command.index(FILES)
        return shlex.join([*self._command[:at], *files, *self._command[at + 1 :]])

    def _chosen(self, plan: Plan) -> list[str]:
        if plan.only is not None:
            return self._files if FILES in plan.only else [*plan.only]
        load = expected(set(self._files).difference(plan.done), plan.seconds)
        return sorted(split(load, plan.shards)[plan.shard])


class JunitReader:
    """Reads lines, and JUnit XML at the end."""

    def __init__(self, command: str, path: str | None, files: Sequence[str], *, tap: bool) -> None:
        self._command = command
        self._path = path or "$SHIPWAY_JUNIT"
        self._files = files
        self._tap = tap
        self._lines = Lines()

    def feed(self, chunk: bytes) -> Sequence[Event]:
        """Lines, and with TAP the tests that fail."""
        events: list[Event] = []
        for line in self._lines.feed(chunk):
            events.append(line)
            found = NOT_OK.match(line) if self._tap else None
            if found and not found["known"]:
                name = found["name"].strip() or line.strip()
                events.append(TestResult(name=name, outcome="failed", seconds=0.0, message=line))
        return events

    def finish(self, ended: Ended, last_words: str) -> Sequence[TestResult]:
        """What the JUnit XML holds."""
        last = f"exit status {ended.status}; its last words:\n{last_words}"
        if ended.results is None:
            raise FailError(
                "The test command left no results.",
                where=self._command,
                expected=f"JUnit XML at {self._path}",
                got=last,
                remedy="write JUnit XML to $SHIPWAY_JUNIT, or set the layer's junit",
            )
        found = parse_junit(ended.results, f"{self._path} of {self._command}")
        files = {file: self._known(file) for file in {one.file for one in found}}
        results = [self._ours(one, files[one.file]) for one in found]
        if ended.status != 0 and not any(one.outcome == "failed" for one in results):
            raise FailError(
                "The test command failed, although no test did.",
                where=self._command,
                expected="exit status 0",
                got=last,
            )
        return _numbered(results)

    def _ours(self, test: TestResult, file: str) -> TestResult:
        """With the file in its name: a shard has some of the files, and two may share a name."""
        bare = file not in self._files or test.name.startswith(file)
        name = test.name if bare else f"{file}::{test.name}"
        return test.model_copy(update={"name": name, "file": file})

    def _known(self, file: str) -> str:
        """The file as the layer names it; tools write absolute paths too."""
        ours = (one for one in self._files if file == one or file.endswith(f"/{one}"))
        return max(ours, key=len, default=file)


def _numbered(results: Sequence[TestResult]) -> list[TestResult]:
    """The same results; the second and further ones of a name bear their number."""
    seen = Counter[str]()
    named: list[TestResult] = []
    for one in results:
        seen[one.name] += 1
        number = f" #{seen[one.name]}" if seen[one.name] > 1 else ""
        named.append(one.model_copy(update={"name": one.name + number}))
    return named
