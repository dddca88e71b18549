"""The seam of a test tool: one from outside works by its own file and one line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from shipway.config.pipeline import Layer, read_pipeline
from shipway.errors import RefuseError
from shipway.pyramid.plan import Plan
from shipway.pyramid.results import TestResult
from shipway.test_tools.junit import Junit
from shipway.test_tools.lines import Lines
from shipway.test_tools.registry import TOOLS
from shipway.test_tools.tap import Tap
from shipway.test_tools.tool import Ended, Event, Invocation, ToolSettings


class Cargo:
    """`cargo test`, which cannot write JUnit XML; it runs the tests that it is given by name."""

    keys: ClassVar = frozenset[str]()

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)

    @classmethod
    def recognizes(cls, command: Sequence[str]) -> bool:
        return list(command[:2]) == ["cargo", "test"]

    @classmethod
    def check(cls, settings: ToolSettings) -> None:
        if not cls.recognizes(settings.command):
            raise ValueError("tool: cargo needs a command that begins with `cargo test`")

    @classmethod
    def splits(cls, settings: ToolSettings) -> bool:
        return True

    @classmethod
    def create(cls, settings: ToolSettings, code: Path, *, fail_fast: bool) -> Cargo:
        return cls(settings.command)

    def invocation(self, plan: Plan, folder: str, env: Mapping[str, str]) -> Invocation | None:
        names = ["--", "--exact", *plan.only] if plan.only is not None else []
        return Invocation(command=[*self._command, *names], env={})

    def reader(self) -> CargoReader:
        return CargoReader()

    def unit_of(self, test: TestResult) -> str:
        return test.name

    def local_command(self, test: TestResult) -> str:
        return f"cargo test -- --exact {test.name}"


class CargoReader:
    """Reads `test cart::total ... ok`."""

    def __init__(self) -> None:
        self._lines = Lines()

    def feed(self, chunk: bytes) -> Sequence[Event]:
        events: list[Event] = []
        for line in self._lines.feed(chunk):
            events.append(line)
            if test := re.fullmatch(r"test (\S+) \.\.\. (ok|FAILED)", line):
                outcome = "passed" if test[2] == "ok" else "failed"
                events.append(TestResult(name=test[1], outcome=outcome, seconds=0.0))
        return events

    def running(self) -> Sequence[TestResult]:
        return ()

    def finish(self, ended: Ended, last_words: str) -> Sequence[TestResult]:
        return ()


def read(layer: str) -> Layer:
    text = f"app: shop\ntests:\n  layers:\n    unit: {layer}\n"
    return read_pipeline(text).tests.layers["unit"]


def test_a_tool_from_outside_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(TOOLS, "cargo", Cargo)
    layer = read("{command: [cargo, test], retries: 1, shards: 2}")
    assert (layer.tool_name, layer.splits) == ("cargo", True)
    tool = TOOLS[layer.tool_name].create(layer.tool_settings, tmp_path, fail_fast=True)
    invocation = tool.invocation(Plan(only=("cart::total",)), "/shipway", {})
    assert invocation is not None
    assert invocation.command == ["cargo", "test", "--", "--exact", "cart::total"]
    reader = tool.reader()
    events = [*reader.feed(b"running 2 tests\ntest cart::total ... FA"), *reader.feed(b"ILED\n")]
    failed = TestResult(name="cart::total", outcome="failed", seconds=0.0)
    assert events == ["running 2 tests", "test cart::total ... FAILED", failed]
    assert tool.local_command(failed) == "cargo test -- --exact cart::total"


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("{command: [make], tool: cargo}", "tool: cargo needs a command that begins with"),
        (
            "{command: [cargo, test], tool: cargo, junit: a.xml}",
            "files and junit are for other tools: cargo runs without them",
        ),
        (
            "{command: [make], retries: 1}",
            "shards and retries need a tool that runs parts: pytest, go, cargo, or {files}",
        ),
    ],
)
def test_a_tool_from_outside_has_its_say_where_a_file_is_read(
    monkeypatch: pytest.MonkeyPatch, layer: str, expected: str
) -> None:
    monkeypatch.setitem(TOOLS, "cargo", Cargo)
    with pytest.raises(RefuseError) as caught:
        read(layer)
    assert caught.value.what == "The value of 'tests.layers.unit' is not valid."
    assert str(caught.value.facts["expected"]).startswith(f"{expected}")


def test_a_tool_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(RefuseError) as caught:
        read("{command: [cargo, test], tool: cargo}")
    assert caught.value.what == "The value of 'tests.layers.unit.tool' is not valid."
    assert caught.value.facts["where"] == "pipeline.yaml:4"
    assert caught.value.facts["expected"] == "must be one of pytest, go, tap, junit"


def test_a_layer_without_such_a_tool_is_read_as_before() -> None:
    assert read("{command: [cargo, test]}").tool_name == "junit"


@pytest.mark.parametrize("tool", [Junit, Tap])
def test_files_that_match_nothing_are_refused(tool: type[Junit], tmp_path: Path) -> None:
    settings = ToolSettings(command=("make", "{files}"), files="*.js")
    with pytest.raises(RefuseError, match=r"No file matches the layer's files\."):
        tool.create(settings, tmp_path, fail_fast=True)


@pytest.mark.parametrize(
    ("tool", "fail_fast", "failures"), [(Junit, True, 0), (Tap, True, 1), (Tap, False, 0)]
)
def test_tap_tells_of_a_failure_at_once_where_it_ends_the_layer(
    tool: type[Junit], fail_fast: bool, failures: int, tmp_path: Path
) -> None:
    (tmp_path / "a.js").touch()
    settings = ToolSettings(command=("node", "{files}"), files="*.js")
    reader = tool.create(settings, tmp_path, fail_fast=fail_fast).reader()
    output = b"ok 1 - a\nnot ok 2 - b\nnot ok 3 - c # TODO later\n    not ok 4 - d # SKIP\n"
    events = reader.feed(output)
    assert [event for event in events if isinstance(event, str)] == output.decode().splitlines()
    names = [event.name for event in events if isinstance(event, TestResult)]
    assert names == ["b"] * failures
