from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shipway.history.change import Change
from shipway.history.dora import measure

START = datetime(2026, 11, 1, tzinfo=UTC)
END = START + timedelta(days=10)


def change(hour: float, **more: Any) -> Change:
    """A deployment, `hour` hours after the start, of a revision one hour old."""
    at = START + timedelta(hours=hour)
    said: dict[str, Any] = {
        "app": "shop",
        "commit": f"{hour:040.1f}",
        "at": at,
        "kind": "deployment",
        "what": "1/1 rolling",
        "image": "shop@sha256:0",
        "revision": "f" * 40,
        "revision_at": at - timedelta(hours=1),
        "by": "Shipway",
    }
    return Change.model_validate(said | more)


def back(hour: float, failed: float | None, **more: Any) -> Change:
    """A rollback of what had been deployed `failed` hours after the start."""
    failed_at = None if failed is None else START + timedelta(hours=failed)
    said = {"kind": "rollback", "what": "rollback 1/1 rolling", "by": "Ada", "failed_at": failed_at}
    return change(hour, **said | more)


HISTORY = [
    change(1),
    change(2, revision_at=START - timedelta(hours=3)),
    back(4, 2),
    change(5, app="cart"),
    change(10, is_rework=True),
    change(12, kind="step", what="1/3 canary 10%"),
    change(13, kind="step", what="2/3 canary 50%"),
    change(14, what="3/3 canary 100%"),
    back(20, 14),
    back(25, None),
    change(30, kind="hold cleared", what="hold cleared"),
]


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
