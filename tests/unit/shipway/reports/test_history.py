from __future__ import annotations

from datetime import timedelta

from shipway.git.ops_repository import OpsRepository
from shipway.history.dora import measure
from shipway.reports.history import chart, history_page, history_rows
from tests.support.changes import END, HISTORY, START, back, change


def test_without_deployments_the_page_shows_no_rates() -> None:
    page = history_page("shop in prod", measure([], START, END), [], END)
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
    many = [change(hour / 100) for hour in range(400)] + [back(30, 1)]
    lines = chart(many, START.date() + timedelta(days=2)).splitlines()
    assert len(lines) == 30
    assert lines[-3] == f"Sun 01 Nov  {'=' * 40} 400"
    assert lines[-2] == "Mon 02 Nov  x 1"
    assert lines[-1] == "Tue 03 Nov"


def test_a_row_says_what_when_who_and_from_which_run() -> None:
    ops = OpsRepository(url="file:///srv/ops.git")
    downgrade = change(5, what="downgrade 1/1 rolling", run="link", reason="5xx")
    rows = history_rows([back(4, 2), downgrade], ops.link)
    assert rows[0]["what"] == "rollback 1/1 rolling"
    assert (rows[0]["by"], rows[0]["when"]) == ("Ada", "2026-11-01T04:00:00+00:00")
    assert rows[1] == {
        "when": "2026-11-01T05:00:00+00:00",
        "app": "shop",
        "what": "downgrade 1/1 rolling",
        "revision": "f" * 12,
        "image": "shop@sha256:0",
        "by": "Shipway",
        "reason": "5xx",
        "commit": "`0000000`",
        "run": "link",
    }
