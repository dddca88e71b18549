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
    run = "https://prefect.example.org/runs/flow-run/1"
    why = "5xx | since *two*, and it goes on"
    rows = history_rows([back(4, 2), change(5, what="1/1 rolling", run=run, reason=why)], ops.link)
    assert (rows[0]["what"], rows[0]["by"]) == ("rollback 1/1 rolling", "Ada")
    assert [*rows[1].items()] == [
        ("when (UTC)", "2026-11-01 05:00"),
        ("app", "shop"),
        ("by", "Shipway"),
        ("what", "1/1 rolling<br>5xx \\| since \\*two\\*, and…"),
        ("revision", f"[fffffff]({run})"),
        ("commit", "`0000000`"),
        ("digest", "0"),
    ]
