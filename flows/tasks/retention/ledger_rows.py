"""Rows of the ledger."""

from __future__ import annotations

from datetime import UTC, datetime

from blocks.ledger import Ledger
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.retention.ledger_rows import clear_rows
from shipway.retention.outcome import Outcome
from shipway.retention.policy import Retention


@external_task("rows of the ledger")
async def clear_ledger_rows(keep: Retention, *, dry_run: bool) -> Outcome:
    """Drop rows of the ledger that may go.

    Raises:
        RetryError: The ledger does not answer.
    """
    return await clear_rows(await load_block(Ledger), keep, datetime.now(UTC), dry_run=dry_run)
