from __future__ import annotations

import pytest

from shipway.errors import FailError
from shipway.pyramid.layer_verdict import SHOWN_FAILURES, SHOWN_LINES, describe, judge
from shipway.pyramid.results import LayerResult, Outcome, RedLayerError, TestResult

UNTOUCHED = "the registry, the ops repository and the cluster"


def came_to(name: str, outcome: Outcome = "passed", message: str = "") -> TestResult:
    command = f"pytest {name}"
    return TestResult(
        name=name, outcome=outcome, seconds=0.1, message=message, local_command=command
    )


def layer(*tests: TestResult) -> LayerResult:
    return LayerResult(layer="unit", weight=70, budget_seconds=9, tests=tests, seconds=1)


def verdict(result: LayerResult, problem: FailError | None = None) -> LayerResult:
    return judge(result, revision="shop 0123456", command="pytest -q", problem=problem)


def red(*tests: TestResult, problem: FailError | None = None) -> RedLayerError:
    with pytest.raises(RedLayerError) as caught:
        verdict(layer(*tests), problem)
    assert caught.value.result == layer(*tests)
    return caught.value


@pytest.mark.parametrize("outcome", ["passed", "flaky", "quarantined"])
def test_a_layer_is_green_once_a_test_ran_and_none_failed(outcome: Outcome) -> None:
    result = layer(came_to("a", outcome), came_to("s", "skipped"))
    assert verdict(result) is result


def test_a_layer_with_one_red_test_says_which_and_why_and_how_to_run_it() -> None:
    assert str(red(came_to("a"), came_to("t.py::b", "failed", "assert 1 == 2"))) == (
        "The unit layer is red: t.py::b failed.\n"
        "  where:     shop 0123456: pytest -q\n"
        "  got:       t.py::b\n"
        "               assert 1 == 2\n"
        f"  untouched: {UNTOUCHED}\n"
        "  remedy:    run `pytest t.py::b` in the app's folder"
    )


def test_of_many_red_tests_the_first_ones_are_shown() -> None:
    error = red(*(came_to(f"t{number}", "failed", "m") for number in range(SHOWN_FAILURES + 2)))
    assert error.what == f"The unit layer is red: t0 and {SHOWN_FAILURES + 1} more failed."
    shown = str(error.facts["got"]).splitlines()[::2]
    assert shown == [f"t{number}" for number in range(SHOWN_FAILURES)]


def test_a_red_test_goes_before_what_kept_the_tool_from_its_end() -> None:
    error = red(came_to("b", "failed", "m"), problem=FailError("pytest was ended."))
    assert error.what == "The unit layer is red: b failed."


def test_a_tool_that_did_not_come_to_its_end_fails_the_layer() -> None:
    problem = FailError("pytest was ended.", where="pytest -q", got="exit status 137")
    assert str(red(came_to("a"), problem=problem)) == (
        "The unit layer is red: pytest was ended.\n"
        "  where:     pytest -q\n"
        "  got:       exit status 137\n"
        f"  untouched: {UNTOUCHED}"
    )


@pytest.mark.parametrize(
    ("tests", "got"),
    [((), "0 skipped"), ((came_to("s", "skipped"), came_to("t", "skipped")), "2 skipped")],
    ids=["none", "all skipped"],
)
def test_a_layer_in_which_no_test_ran_has_not_passed(
    tests: tuple[TestResult, ...], got: str
) -> None:
    assert str(red(*tests)) == (
        "The unit layer ran no test.\n"
        "  where:     pytest -q\n"
        "  expected:  at least one test that passes\n"
        f"  got:       {got}\n"
        f"  untouched: {UNTOUCHED}\n"
        "  remedy:    see why it ran none: its command, or what skips them; or take the layer out "
        "of pipeline.yaml"
    )


def test_a_failure_is_told_with_place_traceback_and_output() -> None:
    failed = TestResult(
        name="t.py::b",
        outcome="failed",
        seconds=0.1,
        message="assert 1 == 2",
        text="def b():\n>   assert 1 == 2",
        output="hello",
        file="t.py",
        line=7,
    )
    assert describe(failed) == (
        "t.py::b\n  t.py:7: assert 1 == 2\n  def b():\n  >   assert 1 == 2\n  hello"
    )


def test_a_message_of_many_lines_is_told_once_and_as_a_block() -> None:
    failed = TestResult(name="b", outcome="failed", seconds=0.1, message="assert a\n + where a")
    assert describe(failed) == "b\n  assert a\n   + where a"
    text = "E  assert a\nE   + where a"
    with_text = failed.model_copy(update={"text": text})
    assert describe(with_text) == "b\n  assert a\n  E  assert a\n  E   + where a"


def test_of_a_long_traceback_the_last_lines_are_told() -> None:
    text = "\n".join(f"line {number}" for number in range(SHOWN_LINES + 5))
    failed = TestResult(name="b", outcome="failed", seconds=0.1, message="m", text=text)
    lines = describe(failed).splitlines()
    assert lines[2:4] == ["  […]", "  line 5"]
    assert lines[-1] == f"  line {SHOWN_LINES + 4}"
