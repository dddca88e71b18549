"""`go test`: its `-json` stream tells of each test as it is over; no converter needed."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from shipway.errors import FailError
from shipway.pyramid.plan import Plan
from shipway.pyramid.results import Outcome, TestResult
from shipway.pytest_plugin.shipway_split import expected, split
from shipway.test_tools.go_packages import arguments, packages_of
from shipway.test_tools.lines import Lines
from shipway.test_tools.tool import Ended, Event, Invocation, ToolSettings

MOST_OUTPUT = 64_000
OUTCOME: dict[str, Outcome] = {"pass": "passed", "fail": "failed", "skip": "skipped"}
PANIC = re.compile(r"^(?P<message>panic: .*)", re.MULTILINE)
# What Go itself prints of a test; the rest is the test's own words.
FRAME = re.compile(r"^\s*(?:===|---) .*\n?", re.MULTILINE)
PLACE = re.compile(r"^\s+(?P<file>\S+_test\.go):(?P<line>\d+): (?P<message>.*)", re.MULTILINE)


class Go:
    """A command `go test …`.

    Args:
        command: The command; `-json` and `-count=1` are added where they are missing.
        code: The checked-out module, in which the packages with tests are found.
    """

    keys: ClassVar = frozenset[str]()

    def __init__(self, command: Sequence[str], code: Path) -> None:
        self._command = list(command)
        self._code = code

    @classmethod
    def recognizes(cls, command: Sequence[str]) -> bool:
        """It is `go test`, with or without flags between, and not a script that runs it."""
        before = command[: command.index("test")] if "test" in command else []
        return any(word.rpartition("/")[2] == "go" for word in before)

    @classmethod
    def check(cls, settings: ToolSettings) -> None:
        """See that packages and flags can be added to the command."""
        if not cls.recognizes(settings.command):
            raise ValueError(
                "tool: go needs the words `go` and `test` in the command, not a script"
            )

    @classmethod
    def splits(cls, settings: ToolSettings) -> bool:
        """It splits by package."""
        return True

    @classmethod
    def create(cls, settings: ToolSettings, code: Path, *, fail_fast: bool) -> Go:
        """For the module in the app's folder."""
        return cls(settings.command, code)

    def invocation(self, plan: Plan, folder: str, env: Mapping[str, str]) -> Invocation | None:
        """The command for the plan's packages, or for some tests of theirs."""
        at = self._command.index("test") + 1
        head, rest = self._command[:at], self._command[at:]
        flags = [flag for flag in ("-json", "-count=1") if not _has(rest, flag)]
        if plan.only is not None:
            names = [unit.partition("::") for unit in plan.only]
            tests = sorted({name.partition("/")[0] for _, _, name in names if name})
            flags += [f"-run=^({'|'.join(map(re.escape, tests))})$"] if tests else []
            packages = sorted({package for package, _, _ in names})
        elif plan.shards == 1 and not plan.done:
            return Invocation(command=[*head, *flags, *rest], env={})
        else:
            packages = self._packages_in(plan)
        if not packages:
            return None
        named = arguments(rest)
        before, after = rest[: named.start], rest[named.stop :]
        return Invocation(command=[*head, *flags, *before, *packages, *after], env={})

    def reader(self) -> GoReader:
        """A reader of the JSON stream."""
        return GoReader(shlex.join(self._command))

    def unit_of(self, test: TestResult) -> str:
        """Its package and name."""
        return test.name

    def local_command(self, test: TestResult) -> str:
        """`go test` with the test's name and package."""
        package, _, name = test.name.partition("::")
        parts = "/".join(f"^{re.escape(part)}$" for part in name.split("/"))
        return shlex.join(["go", "test", *(["-run", parts] if name else []), package])

    def _packages_in(self, plan: Plan) -> list[str]:
        """Go's unit is the package: one regular expression names tests for all packages alike."""
        packages = packages_of(self._command, self._code)
        seconds: dict[str, float] = {}
        for name, value in plan.seconds.items():
            package = name.partition("::")[0]
            seconds[package] = seconds.get(package, 0.0) + value
        known = {name for name in plan.seconds if name not in set(plan.done)}
        open_ = {name.partition("::")[0] for name in known}
        done = {name.partition("::")[0] for name in plan.done} - open_
        load = expected([package for package in packages if package not in done], seconds)
        return sorted(split(load, plan.shards)[plan.shard])


class GoReader:
    """Reads the events of `go test -json`, and lines of anything else."""

    def __init__(self, command: str) -> None:
        self._command = command
        self._lines = Lines()
        self._output: dict[str, str] = {}
        self._parents: dict[str, bool] = {}
        self._mute: dict[str, list[TestResult]] = {}
        self._events = 0
        self._failures = 0

    def feed(self, chunk: bytes) -> Sequence[Event]:
        """Lines, and each test as it is over."""
        return [event for line in self._lines.feed(chunk) for event in self._line(line)]

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
        if ended.status != 0 and not self._failures:
            raise FailError(
                "go test failed, although no test did.",
                where=self._command,
                expected="exit status 0",
                got=got,
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
        name = "::".join(part for part in (event.get("Package"), event.get("Test")) if part)
        action = event["Action"]
        if action in {"output", "build-output"}:
            text = str(event.get("Output", ""))
            key = name or str(event.get("ImportPath", "")).partition(" ")[0]
            self._output[key] = (self._output.get(key, "") + text)[-MOST_OUTPUT:]
            return [text.rstrip("\n")]
        if action not in OUTCOME:
            return []
        return self._over(event, name, action)

    def _over(self, event: dict[str, Any], name: str, action: str) -> Sequence[Event]:
        """A test, a test with subtests, or a package is over."""
        failed = action == "fail"
        parent = name.rpartition("/")[0] if event.get("Test") else ""
        if not event.get("Test"):
            # A package fails by itself where it does not build, panics, or its TestMain fails.
            if not failed or self._parents.get(name):
                return []
        elif name in self._parents and self._parents[name] == failed:
            self._note(name, parent, failed)
            return self._explained(name, self._output.pop(name, ""))
        self._note(name, parent, failed)
        self._failures += failed
        output = self._output.pop(name, "")
        result = TestResult(
            name=name, outcome=OUTCOME[action], seconds=float(event.get("Elapsed", 0.0))
        )
        if failed and "::" in parent and not FRAME.sub("", output).strip():
            # Of a subtest that panics, Go says why in the test around it, and later.
            outermost = f"{event['Package']}::{event['Test'].partition('/')[0]}"
            self._mute.setdefault(outermost, []).append(result)
            return []
        return [*self._explained(name, output), _with(result, output)]

    def _explained(self, name: str, output: str) -> list[TestResult]:
        """The failures inside a test that were waiting for its words."""
        return [_with(test, output) for test in self._mute.pop(name, [])]

    def _note(self, name: str, parent: str, failed: bool) -> None:
        """Whoever holds this test has told of it, and of its failure."""
        package = name.partition("::")[0]
        if "::" in parent:
            self._parents[parent] = self._parents.get(parent, False) or failed
        self._parents[package] = self._parents.get(package, False) or failed


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


def _has(arguments: Sequence[str], flag: str) -> bool:
    name = flag.partition("=")[0].lstrip("-")
    return any(re.match(rf"--?{name}(=|$)", word) for word in arguments)
