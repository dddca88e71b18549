"""When a test runs again, and what its runs come to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shipway.pyramid.results import Outcome, TestResult


class Rules(BaseModel):
    """What a team decided about failures.

    Attributes:
        retries: How often a failed test runs again.
        new_tests: How often a new test runs; each run counts.
        quarantined: Tests whose failure is known and not yet overdue.
    """

    model_config = ConfigDict(frozen=True)

    retries: int
    new_tests: int
    quarantined: frozenset[str] = frozenset()


def quarantine_active(until: date, today: date) -> bool:
    """Whether a quarantine holds; its last day counts."""
    return today <= until


def next_step(
    runs: Sequence[TestResult], rules: Rules, *, new: bool
) -> Literal["again", "red", "done"]:
    """What follows a test's runs so far.

    A new test gets no retry: what fails now and then from its first day is never let in.
    """
    failures = sum(run.outcome == "failed" for run in runs)
    name = runs[0].name
    if name in rules.quarantined:
        return "done"
    if new:
        if failures:
            return "red"
        again = runs[0].outcome == "passed" and len(runs) < rules.new_tests
        return "again" if again else "done"
    if runs[-1].outcome != "failed":
        return "done"
    return "again" if failures <= rules.retries else "red"


def outcome(runs: Sequence[TestResult], rules: Rules, *, new: bool) -> TestResult:
    """What a test's runs come to: a test that failed once is never plain `passed`."""
    failed = [run for run in runs if run.outcome == "failed"]
    came_to: Outcome = runs[-1].outcome
    decisive = runs[-1]
    if failed:
        decisive = failed[-1]
        if runs[0].name in rules.quarantined:
            came_to = "quarantined"
        elif new or runs[-1].outcome != "passed":
            came_to = "failed"
        else:
            came_to = "flaky"
    return decisive.model_copy(update={"outcome": came_to, "attempts": len(runs)})
