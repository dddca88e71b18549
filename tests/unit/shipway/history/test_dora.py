from __future__ import annotations

from datetime import timedelta

import pytest

from shipway.history.dora import measure
from tests.support.changes import END, HISTORY, START, change


def test_the_figures_follow_from_the_changes() -> None:
    found = measure(HISTORY[::-1], START, END)
    assert (found.days, found.deployments, found.failed, found.rework) == (10, 5, 2, 1)
    assert found.per_day == pytest.approx(0.5)
    assert found.lead_time == timedelta(hours=1)
    assert found.failure_rate == pytest.approx(0.4)
    # One failed after two hours, one after six (counted from its last step).
    assert found.restore_time == timedelta(hours=4)
    assert found.rework_rate == pytest.approx(0.2)


def test_what_came_before_the_first_moment_does_not_count() -> None:
    found = measure(HISTORY[::-1], START + timedelta(hours=3), END)
    assert (found.deployments, found.failed, found.rework) == (3, 2, 1)
    assert found.restore_time == timedelta(hours=4)


def test_what_came_after_the_last_moment_does_not_count() -> None:
    assert measure(HISTORY[::-1], START, START + timedelta(hours=3)).failed == 0


def test_a_deployment_of_an_unknown_revision_has_no_lead_time() -> None:
    found = measure([change(1, revision_at=None)], START, END)
    assert (found.deployments, found.lead_time) == (1, None)


def test_without_deployments_there_are_no_rates() -> None:
    found = measure([], START, END)
    assert (found.deployments, found.lead_time, found.restore_time) == (0, None, None)
    assert (found.failure_rate, found.rework_rate, found.per_day) == (None, None, 0)
