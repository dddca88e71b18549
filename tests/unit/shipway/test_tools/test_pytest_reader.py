from __future__ import annotations

import json
from typing import Any

import pytest

from shipway.errors import FailError
from shipway.pyramid.plan import Collected, Plan
from shipway.pyramid.results import TestResult
from shipway.test_tools.pytest import Pytest, PytestReader
from shipway.test_tools.tool import Ended, Event
from tests.support.plugin import plugin

TOKEN = "0123456789abcdef"


def said(*messages: dict[str, Any]) -> bytes:
    return b"".join(piece for one in messages for piece in plugin._pieces(json.dumps(one), TOKEN))


def result(name: str, outcome: str = "passed", **more: Any) -> dict[str, Any]:
    return {"test": {"name": name, "outcome": outcome, "seconds": 0.5, **more}}


def reader() -> PytestReader:
    return PytestReader(TOKEN, "pytest -q")


COLLECTED = {"collected": "hash", "count": 2}
END = {"end": 0, "missing": []}


@pytest.mark.parametrize(
    ("command", "alone"),
    [
        (["pytest", "tests"], "pytest 'a.py::test_b[1]'"),
        (["/venv/bin/python3", "-m", "pytest", "tests"], "python -m pytest 'a.py::test_b[1]'"),
    ],
)
def test_one_test_is_run_as_the_layer_runs_all(command: list[str], alone: str) -> None:
    test = TestResult(name="a.py::test_b[1]", outcome="failed", seconds=0.1)
    assert Pytest(command).local_command(test) == alone


def test_results_are_the_same_at_every_cut_of_the_stream() -> None:
    messages = said(COLLECTED, result("a"), result("b", text="x" * 4000))
    stream = b"before\n" + messages + b"between\x1e\n" + said(END) + b"after\n"
    whole = reader().feed(stream)
    assert [one for one in whole if isinstance(one, str)] == ["before", "between\x1e", "after"]
    assert [one.name for one in whole if isinstance(one, TestResult)] == ["a", "b"]
    for cut in range(0, len(stream), 7):
        one = reader()
        assert [*one.feed(stream[:cut]), *one.feed(stream[cut:])] == whole


def test_a_line_of_somebody_else_between_two_pieces_is_a_line() -> None:
    pieces = list(plugin._pieces(json.dumps(result("a", text="x" * 8000)), TOKEN))
    assert len(pieces) == 3
    found = reader().feed(pieces[0] + b"a child speaks\n" + pieces[1] + pieces[2])
    assert found[0] == "a child speaks"
    assert isinstance(found[1], TestResult)
    assert found[1].text == "x" * 8000


def test_another_token_is_text() -> None:
    (piece,) = plugin._pieces(json.dumps(END), "f" * 16)
    found: list[Event] = [*reader().feed(piece)]
    assert found == [piece.decode().rstrip("\n")]


def test_a_name_that_is_no_unicode_comes_as_it_is() -> None:
    (found,) = reader().feed(said(result("test[\ud800]")))
    assert isinstance(found, TestResult)
    assert found.name == "test[\ud800]"


@pytest.mark.parametrize(
    ("messages", "status", "what"),
    [
        ([], 127, "pytest did not begin: with exit status 127."),
        ([COLLECTED, result("a")], 137, "pytest was ended from outside, or crashed,"),
        ([COLLECTED, {"end": 3, "missing": []}], 3, "pytest ended with an error that no test"),
        ([COLLECTED, {"end": 5, "missing": []}], 5, "pytest ended with an error that no test"),
        ([{"end": 4, "missing": []}], 4, "pytest ended with an error that no test"),
        ([COLLECTED, {"end": 0, "missing": ["b"]}], 0, "Tests that were collected have no result."),
        ([COLLECTED, END], 1, "The test command failed after its tests."),
    ],
)
def test_a_suite_that_did_not_come_to_its_end_is_red(
    messages: list[dict[str, Any]], status: int, what: str
) -> None:
    one = reader()
    one.feed(said(*messages))
    with pytest.raises(FailError) as caught:
        one.finish(Ended(status=status), "the last words")
    assert caught.value.what.startswith(what)
    assert caught.value.facts["where"] == "pytest -q"


@pytest.mark.parametrize(
    ("messages", "status"),
    [
        ([COLLECTED, result("a"), result("b"), END], 0),
        ([COLLECTED, result("a"), result("b", "failed"), {"end": 1, "missing": []}], 1),
        # A shard may have no test, and then pytest says so by its exit status.
        ([{"collected": "hash", "count": 0}, {"end": 5, "missing": []}], 5),
        ([{"end": 5, "missing": []}], 5),
    ],
)
def test_a_suite_that_came_to_its_end_needs_no_more_words(
    messages: list[dict[str, Any]], status: int
) -> None:
    one = reader()
    one.feed(said(*messages))
    assert one.finish(Ended(status=status), "") == ()


def test_how_many_tests_there_are_is_told() -> None:
    assert reader().feed(said(COLLECTED)) == [Collected(count=2, suite="hash")]


def test_the_suites_own_variables_are_kept_for_it() -> None:
    env = {"PYTEST_ADDOPTS": "-x", "OTHER": "1"}
    found = Pytest(["pytest"]).invocation(Plan(), "/shipway", env)
    assert found is not None
    assert found.env["PYTEST_ADDOPTS"] == "-p shipway_pytest -x"
    assert found.env["PYTHONPATH"] == "/shipway"
    assert json.loads(found.env["SHIPWAY_RESTORE"]) == {"PYTEST_ADDOPTS": "-x", "PYTHONPATH": None}


def test_a_test_that_has_begun_is_known_until_it_is_over() -> None:
    one = reader()
    begun = {"name": "a", "outcome": "failed", "seconds": 0}
    assert one.feed(said({"running": begun}, {"running": {**begun, "output": "so far"}})) == []
    assert [(test.name, test.output) for test in one.running()] == [("a", "so far")]
    one.feed(said(result("a")))
    assert one.running() == ()
