from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.pyramid.layer_run import LayerRun
from shipway.pyramid.results import Outcome, TestResult
from shipway.pyramid.verdict import Rules, next_step, outcome, quarantine_active

KINDS: dict[str, Outcome] = {"p": "passed", "f": "failed", "s": "skipped"}


def runs(kinds: str) -> list[TestResult]:
    return [
        TestResult(name="a", outcome=KINDS[kind], seconds=1.0, message=f"run {number}")
        for number, kind in enumerate(kinds)
    ]


@pytest.mark.parametrize(
    ("kinds", "rules", "new", "step", "came_to"),
    [
        ("p", Rules(retries=2, new_tests=3), False, "done", "passed"),
        ("s", Rules(retries=2, new_tests=3), False, "done", "skipped"),
        ("f", Rules(retries=0, new_tests=3), False, "red", "failed"),
        ("f", Rules(retries=1, new_tests=3), False, "again", "failed"),
        ("fp", Rules(retries=1, new_tests=3), False, "done", "flaky"),
        ("ff", Rules(retries=1, new_tests=3), False, "red", "failed"),
        ("fs", Rules(retries=1, new_tests=3), False, "done", "failed"),
        ("pf", Rules(retries=1, new_tests=3), False, "again", "failed"),
        ("p", Rules(retries=0, new_tests=3), True, "again", "passed"),
        ("ppp", Rules(retries=0, new_tests=3), True, "done", "passed"),
        ("p", Rules(retries=0, new_tests=1), True, "done", "passed"),
        ("s", Rules(retries=0, new_tests=3), True, "done", "skipped"),
        ("f", Rules(retries=5, new_tests=3), True, "red", "failed"),
        ("ppf", Rules(retries=5, new_tests=3), True, "red", "failed"),
        ("f", Rules(retries=5, new_tests=3, quarantined=frozenset("a")), False, "done", None),
        ("f", Rules(retries=0, new_tests=3, quarantined=frozenset("a")), True, "done", None),
        ("p", Rules(retries=0, new_tests=3, quarantined=frozenset("a")), False, "done", "passed"),
        ("f", Rules(retries=0, new_tests=3, quarantined=frozenset("b")), False, "red", "failed"),
    ],
)
def test_what_follows_and_what_it_comes_to(
    kinds: str, rules: Rules, new: bool, step: str, came_to: Outcome | None
) -> None:
    found = runs(kinds)
    assert next_step(found, rules, new=new) == step
    result = outcome(found, rules, new=new)
    assert result.outcome == (came_to or "quarantined")
    assert result.attempts == len(kinds)


def test_a_failure_is_shown_by_its_last_run_that_failed() -> None:
    assert outcome(runs("ffp"), Rules(retries=2, new_tests=1), new=False).message == "run 1"


@given(
    kinds=st.text("pfs", min_size=1, max_size=6),
    retries=st.integers(0, 5),
    new_tests=st.integers(1, 5),
    new=st.booleans(),
    quarantined=st.booleans(),
)
def test_a_test_that_failed_once_is_never_plain_passed(
    kinds: str, retries: int, new_tests: int, new: bool, quarantined: bool
) -> None:
    known = frozenset("a" if quarantined else "")
    rules = Rules(retries=retries, new_tests=new_tests, quarantined=known)
    came_to = outcome(runs(kinds), rules, new=new).outcome
    assert (came_to in {"passed", "skipped"}) == ("f" not in kinds)
    if came_to == "flaky":
        assert kinds.endswith("p")


@pytest.mark.parametrize(
    ("proven", "kinds", "is_proven"),
    [
        ({}, "p", True),
        ({"a": True}, "p", True),
        ({"a": False}, "p", True),
        ({"b": True}, "p", False),
        ({"b": True}, "pp", True),
        ({"b": True, "a": False}, "p", False),
        ({"a": True}, "fp", True),
        ({"a": True}, "f", False),
        ({"b": True}, "pf", False),
        ({}, "s", False),
    ],
)
def test_a_test_has_proven_itself_once_it_passed_as_often_as_it_must(
    proven: dict[str, bool], kinds: str, is_proven: bool
) -> None:
    layer_run = LayerRun(Rules(retries=1, new_tests=2), proven, {})
    for run in runs(kinds):
        layer_run.record(run)
    assert layer_run.has_proven_itself("a") == is_proven


def test_a_quarantines_last_day_counts() -> None:
    days = [date(2026, 11, day) for day in (23, 24, 25)]
    assert [quarantine_active(date(2026, 11, 24), today) for today in days] == [True, True, False]
