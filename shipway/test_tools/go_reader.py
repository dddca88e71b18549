"""What `go test -json` prints: each test as it is over, and whether Go came to its end."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from shipway.errors import FailError
from shipway.pyramid.results import Outcome, TestResult
from shipway.test_tools.go_tests import GoTests
from shipway.test_tools.lines import Lines
from shipway.test_tools.tool import Ended, Event

MOST_OUTPUT = 64_000
MOST_NAMED = 10
OUTCOME: dict[str, Outcome] = {"pass": "passed", "fail": "failed", "skip": "skipped"}
PANIC = re.compile(r"^(?P<message>(?:panic|fatal error|signal): .*)", re.MULTILINE)
# What a test binary prints when it has run its tests; after a panic or a signal it does not.
CAME_TO_END = re.compile(r"(?:PASS|FAIL)$", re.MULTILINE)
# What Go itself prints of a test; the rest is the test's own words.
FRAME = re.compile(r"^\s*(?:===|---) .*\n?", re.MULTILINE)
PLACE = re.compile(r"^\s+(?P<file>\S+_test\.go):(?P<line>\d+): (?P<message>.*)", re.MULTILINE)
# Go puts no blank into a name, so that no test's own name ends like this.
NUMBER = re.compile(r" #\d+$")


def bare_name(name: str) -> str:
    """The name as Go knows it; with `-count`, a test has several results."""
    return NUMBER.sub("", name)


class GoReader:
    """Reads the events of `go test -json`, and lines of anything else."""

    def __init__(self, command: str) -> None:
        self._command = command
        self._lines = Lines()
        self._output: dict[str, str] = {}
        self._tests = GoTests()
        self._mute: dict[str, list[TestResult]] = {}
        self._told = Counter[str]()
        self._events = 0
        self._failures: list[str] = []
        # The packages that have begun and are not over, with whether a test of theirs failed.
        self._packages: dict[str, bool] = {}

    def feed(self, chunk: bytes) -> Sequence[Event]:
        """Lines, and each test as it is over."""
        return [event for line in self._lines.feed(chunk) for event in self._line(line)]

    def running(self) -> Sequence[TestResult]:
        """The tests that have begun, with what they have printed; the innermost ones alone."""
        return [
            _with(
                TestResult(name=test.name, outcome="failed", seconds=0.0),
                self._output.get(test.name, ""),
            )
            for package in self._packages
            for test in self._tests.left(package)
            if not test.holds and not test.paused
        ]

    def finish(self, ended: Ended, last_words: str) -> Sequence[TestResult]:
        """Failures whose reason never came; and whether Go came to its end."""
        got = f"exit status {ended.status}; its last words:\n{last_words}"
        if not self._events:
            raise FailError(
                "go test told of no test.",
                where=self._command,
                expected="the events of `go test -json`",
                got=got,
                remedy="run `go test` itself as the layer's command, or set its tool: junit",
            )
        if self._packages:
            raise FailError(
                "go test ended before its packages did.",
                where=self._command,
                expected="a result of each package",
                got=f"none of {', '.join(sorted(self._packages)[:MOST_NAMED])}; {got}",
                remedy="see whether it ran out of memory, or was ended from outside",
            )
        if ended.status != 0 and not self._failures:
            raise FailError(
                "go test failed, although no test did.",
                where=self._command,
                expected="exit status 0",
                got=got,
            )
        if ended.status != bool(self._failures):
            failed = ", ".join(self._failures[:MOST_NAMED]) or "no test"
            raise FailError(
                "go test ended with a status that its tests do not explain.",
                where=self._command,
                expected=f"exit status {int(bool(self._failures))}",
                got=f"{got}\nfailed: {failed}",
            )
        return [test for mute in self._mute.values() for test in mute]

    def _line(self, line: str) -> Sequence[Event]:
        try:
            event = json.loads(line) if line.startswith("{") else None
        except ValueError:
            event = None
        if not isinstance(event, dict) or "Action" not in event:
            return [line]
        self._events += 1
        return self._event(event)

    def _event(self, event: dict[str, Any]) -> Sequence[Event]:
        package, action = str(event.get("Package", "")), event["Action"]
        name = "::".join(part for part in (package, event.get("Test")) if part)
        if package:
            self._packages.setdefault(package, False)
        if action in {"output", "build-output"}:
            text = str(event.get("Output", ""))
            key = name or str(event.get("ImportPath", "")).partition(" ")[0]
            self._output[key] = (self._output.get(key, "") + text)[-MOST_OUTPUT:]
            return [text.rstrip("\n")]
        if action == "run":
            self._tests.begin(name)
        elif action in {"pause", "cont"}:
            self._tests.pause(name, paused=action == "pause")
        elif action in OUTCOME:
            seconds = float(event.get("Elapsed", 0.0))
            if event.get("Test"):
                return self._test_over(name, OUTCOME[action], seconds)
            return self._package_over(package, OUTCOME[action], seconds)
        return []

    def _test_over(self, name: str, outcome: Outcome, seconds: float) -> Sequence[Event]:
        """A test is over; one that holds others counts only where they do not say the same."""
        failed = outcome == "failed"
        test = self._tests.end(name, failed=failed)
        package = name.partition("::")[0]
        self._packages[package] |= failed
        output = self._output.pop(name, "")
        explained = [_with(mute, output) for mute in self._mute.pop(name, [])]
        if test.holds and failed == test.holds_failure:
            return explained
        result = self._result(name, outcome, seconds)
        if failed and test.parent and not FRAME.sub("", output).strip():
            # Of a subtest that panics, Go says why in the test around it, and later.
            self._mute.setdefault(test.outermost.name, []).append(result)
            return explained
        return [*explained, _with(result, output)]

    def _package_over(self, package: str, outcome: Outcome, seconds: float) -> Sequence[Event]:
        """A package is over: it may have left tests behind, or fail by itself."""
        output = self._output.pop(package, "")
        left = self._tests.left(package)
        results: list[Event] = []
        for test in left:
            results += self._test_over(test.name, "failed", 0.0)
        a_test_failed = self._packages.pop(package)
        cut_off = a_test_failed and not CAME_TO_END.search(output)
        if left or (outcome == "failed" and (not a_test_failed or cut_off or PANIC.search(output))):
            # It does not build, panics, is ended, or its TestMain fails.
            fault = _with(self._result(package, "failed", seconds), output)
            if left or cut_off:
                message = "the package was cut off: tests of it may never have run"
                fault = fault.model_copy(update={"message": message})
            results.append(fault)
        return results

    def _result(self, name: str, outcome: Outcome, seconds: float) -> TestResult:
        self._told[name] += 1
        number = f" #{self._told[name]}" if self._told[name] > 1 else ""
        if outcome == "failed":
            self._failures.append(name)
        return TestResult(name=name + number, outcome=outcome, seconds=seconds)


def _with(result: TestResult, output: str) -> TestResult:
    """The result with where and why, as far as the output tells."""
    place, panic = PLACE.search(output), PANIC.search(output)
    reason = place or panic
    details = {
        "message": reason["message"] if reason else output.strip().rpartition("\n")[2],
        "output": output if result.outcome == "failed" else "",
        "file": place["file"] if place else "",
        "line": int(place["line"]) if place else 0,
    }
    return result.model_copy(update=details)
