"""`go test`: its `-json` stream tells of each test as it is over; no converter needed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from shipway.pyramid.plan import Plan
from shipway.pyramid.results import TestResult
from shipway.pytest_plugin.shipway_split import expected, split
from shipway.test_tools.go_packages import arguments, packages_of
from shipway.test_tools.go_reader import GoReader, bare_name
from shipway.test_tools.tool import Invocation, ToolSettings


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
        return bare_name(test.name)

    def local_command(self, test: TestResult) -> str:
        """`go test` with the test's name and package."""
        package, _, name = bare_name(test.name).partition("::")
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


def _has(arguments: Sequence[str], flag: str) -> bool:
    name = flag.partition("=")[0].lstrip("-")
    return any(re.match(rf"--?{name}(=|$)", word) for word in arguments)
