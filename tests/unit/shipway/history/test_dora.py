from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blocks.ops_repository import OpsRepository
from flows.tasks.read_history import chart, history_page, history_rows
from shipway.git.trailers import Recorded
from shipway.history.dora import measure

START = datetime(2026, 11, 1, tzinfo=UTC)
END = START + timedelta(days=10)


def record(hour: float, revision: str, app: str = "shop", **more: str) -> Recorded:
    """A deployment, `hour` hours after the start, of a revision one hour old."""
    at = START + timedelta(hours=hour)
    trailers = {
        "App": app,
        "Revision": revision,
        "Revision-Date": (at - timedelta(hours=1)).isoformat(),
        "Step": "1/1 rolling",
    }
    more = {key.replace("_", "-"): value for key, value in more.items()}
    return Recorded(commit=f"{hour:040.1f}", at=at, by="Shipway", trailers=trailers | more)


def back(hour: float, bad: str, app: str = "shop") -> Recorded:
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
    page = history_page("shop in prod", found, [], END)
    assert "| Change failure rate | – |" in page


def test_the_page_shows_the_figures_and_a_bar_a_day() -> None:
    page = history_page("shop in prod", measure(HISTORY[::-1], START, END), HISTORY[::-1], END)
    assert "| Deployment frequency | 0.50 a day (5) |" in page
    assert "| Lead time for changes | 60.0 minutes |" in page
    assert "| Change failure rate | 40 % (2) |" in page
    assert "| Time to restore | 4.0 hours |" in page
    assert "| Rework rate | 20 % (1) |" in page
    assert "Sun 01 Nov  =====xx 7\n" in page


def test_a_busy_day_shrinks_the_bars_and_hides_none() -> None:
    many = [record(hour / 100, "a") for hour in range(400)] + [back(30, "a")]
    lines = chart(many, START.date() + timedelta(days=2)).splitlines()
    assert len(lines) == 30
    assert lines[-3] == f"Sun 01 Nov  {'=' * 40} 400"
    assert lines[-2] == "Mon 02 Nov  x 1"
    assert lines[-1] == "Tue 03 Nov"


def test_a_row_says_what_when_who_and_from_which_run() -> None:
    ops = OpsRepository(url="file:///srv/ops.git")
    rows = history_rows([back(4, "c"), record(5, "d", Downgrade_From="e", Run="link")], ops)
    assert rows[0]["what"] == "rollback 1/1 rolling"
    assert (rows[0]["by"], rows[0]["when"]) == ("Ada", "2026-11-01T04:00:00+00:00")
    assert (rows[1]["what"], rows[1]["run"]) == ("downgrade 1/1 rolling", "link")
    cleared = record(6, "d", Hold_Cleared="image")
    assert history_rows([cleared], ops)[0]["what"] == "hold cleared"
