from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shipway.git.trailers import OpsCommit
from shipway.history.dora import measure

START = datetime(2026, 11, 1, tzinfo=UTC)
END = START + timedelta(days=10)


def record(hour: float, revision: str, app: str = "shop", **more: str) -> OpsCommit:
    """A deployment, `hour` hours after the start, of a revision one hour old."""
    at = START + timedelta(hours=hour)
    trailers = {
        "App": app,
        "Revision": revision,
        "Revision-Date": (at - timedelta(hours=1)).isoformat(),
        "Step": "1/1 rolling",
    }
    more = {key.replace("_", "-"): value for key, value in more.items()}
    return OpsCommit(commit=f"{hour:040.1f}", at=at, by="Shipway", trailers=trailers | more)


def back(hour: float, bad: str, app: str = "shop") -> OpsCommit:
    return record(
        hour, "before", app, Step="1/1 rolling", Rollback_From=bad, Held="shop@sha256:0", By="Ada"
    )


HISTORY = [
    record(-5, "a"),
    record(1, "b"),
    record(2, "c", Revision_Date=(START - timedelta(hours=3)).isoformat()),
    back(4, "c"),
    record(5, "x", app="cart"),
    record(10, "d"),
    record(12, "e", Step="1/3 canary 10%"),
    record(13, "e", Step="2/3 canary 50%"),
    record(14, "e", Step="3/3 canary 100%"),
    back(20, "e"),
    record(30, "f", Hold_Cleared="image", Step=""),
]


def test_the_figures_follow_from_the_commits() -> None:
    found = measure(HISTORY[::-1], START, END)
    assert (found.days, found.deployments, found.failed, found.rework) == (10, 5, 2, 1)
    assert found.per_day == pytest.approx(0.5)
    assert found.lead_time == timedelta(hours=1)
    assert found.failure_rate == pytest.approx(0.4)
    # c failed after two hours, e after six (counted from its last step).
    assert found.restore_time == timedelta(hours=4)
    assert found.rework_rate == pytest.approx(0.2)


def test_what_came_before_the_first_moment_tells_only_when_it_began() -> None:
    found = measure(HISTORY[::-1], START + timedelta(hours=3), END)
    assert (found.deployments, found.failed, found.rework) == (3, 2, 1)
    assert found.restore_time == timedelta(hours=4)


def test_what_came_after_the_last_moment_does_not_count() -> None:
    assert measure(HISTORY[::-1], START, START + timedelta(hours=3)).failed == 0


def test_without_deployments_there_are_no_rates() -> None:
    found = measure([], START, END)
    assert (found.deployments, found.lead_time, found.restore_time) == (0, None, None)
    assert (found.failure_rate, found.rework_rate, found.per_day) == (None, None, 0)
