"""pytest: a plugin beside the suite picks its tests and tells of each; no configuration needed."""

from __future__ import annotations

import gzip
import json
import re
import secrets
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from shipway import pytest_plugin
from shipway.errors import FailError
from shipway.pyramid.plan import Collected, Plan
from shipway.pyramid.results import TestResult
from shipway.pytest_plugin.shipway_names import node_id
from shipway.test_tools.lines import Lines
from shipway.test_tools.tool import Ended, Event, Invocation, ToolSettings

PLUGIN = ("shipway_pytest.py", "shipway_split.py", "shipway_names.py")
# pytest's own exit statuses: all well, ended before its time, refused, nothing collected.
WELL, INTERRUPTED, USAGE, NOTHING = 0, 2, 4, 5


class Pytest:
    """A suite that a command runs with pytest."""

    keys: ClassVar = frozenset[str]()

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._token = secrets.token_hex(8)

    @classmethod
    def recognizes(cls, command: Sequence[str]) -> bool:
        """It names pytest, in whatever way it starts it."""
        return re.search(r"\b(pytest|py\.test)\b", " ".join(command)) is not None

    @classmethod
    def check(cls, settings: ToolSettings) -> None:
        """Any command may start pytest: what brings the plugin in is the environment."""

    @classmethod
    def splits(cls, settings: ToolSettings) -> bool:
        """It splits by test or by file."""
        return True

    @classmethod
    def create(cls, settings: ToolSettings, code: Path, *, fail_fast: bool) -> Pytest:
        """For the command alone: pytest itself finds the tests."""
        return cls(settings.command)

    def invocation(self, plan: Plan, folder: str, env: Mapping[str, str]) -> Invocation | None:
        """The command itself, with the plugin in its environment."""
        variables = {"PYTHONPATH": folder, "PYTEST_ADDOPTS": "-p shipway_pytest"}
        separators = {"PYTHONPATH": ":", "PYTEST_ADDOPTS": " "}
        added = {
            name: value + (separators[name] + env[name] if env.get(name) else "")
            for name, value in variables.items()
        }
        source = Path(pytest_plugin.__file__ or "").parent
        content = {name: (source / name).read_bytes() for name in PLUGIN}
        text = json.dumps({**plan.model_dump(), "token": self._token}).encode()
        # Of 100,000 tests it is large, and what a pod is given may hold a megabyte.
        content["plan.json.gz"] = gzip.compress(text)
        return Invocation(
            command=self._command,
            env={
                **added,
                "SHIPWAY_PLAN": f"{folder}/plan.json.gz",
                "SHIPWAY_RESTORE": json.dumps({name: env.get(name) for name in variables}),
            },
            files=content,
        )

    def reader(self) -> PytestReader:
        """A reader of the plugin's messages."""
        return PytestReader(self._token, shlex.join(self._command))

    def unit_of(self, test: TestResult) -> str:
        """Its node id."""
        return node_id(test.name)

    def local_command(self, test: TestResult) -> str:
        """Pytest with the node id, in the app's folder; as a module, if the command runs it so."""
        module = "python -m " if "-m pytest" in " ".join(self._command) else ""
        return f"{module}pytest {shlex.quote(node_id(test.name))}"


class PytestReader:
    """Reads messages and lines out of one stream."""

    def __init__(self, token: str, command: str) -> None:
        self._mark = f"\x1e{token}".encode()
        self._command = command
        self._lines = Lines()
        self._rest = b""
        self._pieces: list[bytes] = []
        self._end: dict[str, Any] | None = None
        self._failures = 0
        self._running: dict[str, TestResult] = {}
        self._collected = 0

    def feed(self, chunk: bytes) -> Sequence[Event]:
        """Lines, the number of tests, and each test as it is over."""
        events: list[Event] = []
        self._rest += chunk
        while True:
            text, mark, message = self._rest.partition(self._mark)
            if not mark:
                # The last bytes may be the begin of a mark.
                begin = self._rest.rfind(self._mark[:1])
                held = begin >= 0 and self._mark.startswith(self._rest[begin:])
                cut = begin if held else len(self._rest)
                events += self._lines.feed(self._rest[:cut])
                self._rest = self._rest[cut:]
                return events
            piece, end, rest = message.partition(b"\x1e\n")
            if not end:
                return events
            events += self._lines.feed(text)
            self._rest = rest
            self._pieces.append(piece[1:])
            if piece[:1] == b".":
                events += self._message(json.loads(b"".join(self._pieces)))
                self._pieces = []

    def running(self) -> Sequence[TestResult]:
        """The tests that have begun; once the time is nearly up, with where they stand."""
        return tuple(self._running.values())

    def finish(self, ended: Ended, last_words: str) -> Sequence[TestResult]:
        """Nothing more is known; whether pytest came to its end is."""
        if self._end is None:
            began = "was ended from outside, or crashed," if self._collected else "did not begin:"
            cause = (
                "correct its options, its configuration or conftest.py, as its last words say"
                if ended.status == USAGE
                else "see whether it ran out of memory, or a test ends the process"
            )
            raise FailError(
                f"pytest {began} with exit status {ended.status}.",
                where=self._command,
                expected="a run of pytest to its end",
                got=f"its last words:\n{last_words}",
                remedy=f"{cause}; if the command does not run pytest in its own environment, set "
                "the layer's tool: junit",
            )
        status = int(self._end["end"])
        usual = (WELL,) if self._collected else (WELL, NOTHING)
        if self._end.get("unexplained", 0) > 0 or (status not in usual and not self._failures):
            raise FailError(
                "pytest ended with an error that no test explains.",
                where=self._command,
                expected="exit status 0",
                got=f"exit status {status}; its last words:\n{last_words}",
                remedy="mend what its last words say",
            )
        if self._end["missing"]:
            raise FailError(
                "Tests that were collected have no result.",
                where=self._command,
                expected=f"{self._collected} results",
                got="none of " + ", ".join(self._end["missing"]),
                remedy="repair the files that pytest cannot read: because of them it ran no test"
                if status == INTERRUPTED and self._failures
                else "leave -x and --maxfail out of the suite's options: Shipway stops by itself",
            )
        if ended.status != status:
            raise FailError(
                "The test command failed after its tests.",
                where=self._command,
                expected=f"exit status {status}, as pytest's",
                got=f"exit status {ended.status}; its last words:\n{last_words}",
            )
        return ()

    def _message(self, message: dict[str, Any]) -> list[Event]:
        if "collected" in message:
            self._collected = message["count"]
            return [Collected(count=message["count"], suite=message["collected"])]
        if "running" in message:
            running = TestResult.model_validate(message["running"])
            self._running[running.name] = running
            return []
        if "test" in message:
            test = TestResult.model_validate(message["test"])
            self._running.pop(test.name, None)
            self._failures += test.outcome == "failed"
            return [test]
        self._end = message
        return []
