"""Rows of the ledger that may go."""

from __future__ import annotations

from datetime import datetime, timedelta

from shipway.ledger.ledger import Ledger
from shipway.ledger.session import KEPT_FOR, OldRows
from shipway.retention.age import days_of
from shipway.retention.outcome import Item, Outcome
from shipway.retention.policy import Retention

KIND = "rows of the ledger"


async def clear_rows(ledger: Ledger, keep: Retention, now: datetime, *, dry_run: bool) -> Outcome:
    """Drop old rows, or only count them.

    Raises:
        RetryError: The database does not answer.
        RefuseError: The ledger's url is none of a database.
    """
    tests, green = (now - timedelta(days=days) for days in (keep.test_days, keep.green_days))
    async with ledger.open() as session:
        look = session.count_old if dry_run else session.drop_old
        return _outcome(await look(tests, green), keep)


def _outcome(old: OldRows, keep: Retention) -> Outcome:
    names = {
        "tests": ("tests", f"did not run for {days_of(keep.test_days)}"),
        "proofs": ("proofs of flaky tests", f"older than {days_of(keep.test_days)}"),
        "passed": ("tests of killed runs", f"older than {days_of(KEPT_FOR.days)}"),
        "green": ("green layers", f"older than {days_of(keep.green_days)}"),
    }
    counts = old.model_dump()
    items = [
        Item(name=name, why=why, count=counts[key])
        for key, (name, why) in names.items()
        if counts[key]
    ]
    return Outcome(kind=KIND, goes=tuple(items))
