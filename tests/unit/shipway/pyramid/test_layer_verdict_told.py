from __future__ import annotations

import pytest

from shipway.errors import FailError
from shipway.pyramid.layer_verdict import (
    SHOWN_LINES,
    describe,
    judge,
    run_again,
    suites_differ,
    timed_out,
)
from shipway.pyramid.results import LayerResult, RedLayerError, TestResult

UNTOUCHED = "the registry, the ops repository and the cluster"


def failed(**more: object) -> TestResult:
    known = {"name": "b", "outcome": "failed", "seconds": 0.1, "message": "m"}
    return TestResult.model_validate(known | more)


def numbered(count: int) -> str:
    return "\n".join(f"line {number}" for number in range(count))


def test_a_layer_that_took_too_long_says_which_key_allows_more() -> None:
    assert str(timed_out("pytest -q", 90.4, "budget_seconds", [], "collecting …")) == (
        "It took too long and was ended.\n"
        "  where:     pytest -q\n"
        "  expected:  done within 90 s\n"
        "  got:       its last words:\n"
        "             collecting …\n"
        f"  untouched: {UNTOUCHED}\n"
        "  remedy:    raise the layer's budget_seconds in pipeline.yaml if it needs longer; else "
        "make the tests quicker"
    )


def test_tests_that_hang_are_named_with_where_they_stand_and_what_they_printed() -> None:
    where = {"text": "time.sleep(9)", "output": "waiting for db", "local_command": "pytest b"}
    hanging = [failed(message="", file="test_b.py", line=3, **where), failed(name="c")]
    assert str(timed_out("pytest -q", 90, "timeout_seconds", hanging, "")) == (
        "b and 1 more did not end.\n"
        "  where:     pytest -q\n"
        "  expected:  done within 90 s\n"
        "  got:       b\n"
        "               test_b.py:3: \n"
        "               time.sleep(9)\n"
        "               waiting for db\n"
        "             c\n"
        "               m\n"
        f"  untouched: {UNTOUCHED}\n"
        "  remedy:    raise the layer's timeout_seconds in pipeline.yaml if it needs longer; else "
        "run `pytest b` in the app's folder"
    )


def test_a_test_that_needs_more_than_one_line_is_run_with_them() -> None:
    assert run_again(failed(local_command="docker a\ndocker b")) == (
        "run in the app's folder:\ndocker a\ndocker b"
    )


def test_shards_that_differ_say_what_to_do() -> None:
    assert str(suites_differ("pytest -q")) == (
        "The shards found different tests, so that some may have run in none.\n"
        "  where:     pytest -q\n"
        "  expected:  the same tests in every shard\n"
        "  remedy:    make the suite's parameters the same each time it is collected, "
        "or set the layer's shards: 1"
    )


def test_two_red_tests_are_told_as_one_and_one_more() -> None:
    result = LayerResult(
        layer="unit",
        weight=70,
        budget_seconds=9,
        seconds=1,
        tests=(failed(name="a", message="m a"), failed(name="b", message="m b")),
    )
    with pytest.raises(RedLayerError) as caught:
        judge(result, revision="shop 0123456", command="pytest -q", problem=None)
    assert caught.value.what == "The unit layer is red: a and 1 more failed."
    assert caught.value.facts["got"] == "a\n  m a\nb\n  m b"


def test_what_a_problem_left_untouched_is_told_for_the_whole_layer() -> None:
    result = LayerResult(layer="unit", weight=70, budget_seconds=9, seconds=1, tests=())
    problem = FailError("pytest was ended.", untouched="nothing", remedy="look")
    with pytest.raises(RedLayerError) as caught:
        judge(result, revision="shop 0123456", command="pytest -q", problem=problem)
    assert caught.value.facts["untouched"] == UNTOUCHED
    assert caught.value.facts["remedy"] == "look"
    assert caught.value.__cause__ is problem


@pytest.mark.parametrize(
    ("test", "told"),
    [
        (failed(message=""), "b\n  "),
        (failed(message="\n  m\n"), "b\n  m"),
        (failed(message="m\nmore\nmost"), "b\n  m\n  more\n  most"),
        (failed(file="t.py"), "b\n  m"),
        (failed(line=7), "b\n  m"),
        (failed(file="t.py", line=7), "b\n  t.py:7: m"),
        (failed(output="  out\n\n"), "b\n  m\n    out"),
        (failed(text="\n  trace\n", message="m\nmore"), "b\n  m\n  \n    trace"),
    ],
    ids=[
        "no message",
        "padded",
        "many lines",
        "no line",
        "no file",
        "place",
        "output",
        "traceback",
    ],
)
def test_a_failure_is_told_as_far_as_it_is_known(test: TestResult, told: str) -> None:
    assert describe(test) == told


def test_as_many_lines_as_fit_are_told_whole() -> None:
    lines = describe(failed(text=numbered(SHOWN_LINES))).splitlines()
    assert lines == ["b", "  m", *(f"  line {number}" for number in range(SHOWN_LINES))]


def test_of_one_line_too_many_the_first_is_left_out() -> None:
    lines = describe(failed(text=numbered(SHOWN_LINES + 1))).splitlines()
    assert lines[2:4] == ["  […]", "  line 1"]
    assert len(lines) == 2 + 1 + SHOWN_LINES
