from __future__ import annotations

from datetime import UTC, datetime

from shipway.ledger.session import Proof, Record
from shipway.reports.flakes import MOST_PROOFS, render_flakes

AT = datetime(2026, 11, 24, 3, 4, tzinfo=UTC)


def record(name: str, failures: int, runs: int) -> Record:
    return Record(
        layer="unit",
        name=name,
        runs=runs,
        failures=failures,
        flakes=1,
        first_seen=AT,
        last_seen=AT,
        last_failed=AT,
        revision="0123456789",
    )


def proof(name: str) -> Proof:
    return Proof(
        layer="unit",
        name=name,
        revision="0123456789",
        run="run",
        at=AT,
        passed_log="",
        failed_log="assert 0 == 1",
    )


def test_an_app_without_failures_says_so() -> None:
    assert render_flakes("shop", [], []) == "# Flakes of shop\n\nNo test has failed yet."


def test_each_test_has_its_rate_and_when_it_failed_last() -> None:
    page = render_flakes("shop", [record("a|b", 1, 8)], [])
    row = "| 12 % | 1 of 8 | 1 | unit | a\\|b | 2026-11-24 03:04 | `0123456` |"
    assert row in page.splitlines()
    assert "Proof" not in page


def test_a_proof_has_both_logs() -> None:
    page = render_flakes("shop", [record("a", 1, 2)], [proof("a")])
    assert "**a** (unit) at `0123456`" in page
    assert "assert 0 == 1" in page
    assert "(no output)" in page


def test_of_many_proofs_the_newest_are_shown() -> None:
    page = render_flakes("shop", [record("a", 1, 2)], [proof(f"test {n}") for n in range(40)])
    assert page.count("Passed:") == MOST_PROOFS
    assert "**test 0**" in page
