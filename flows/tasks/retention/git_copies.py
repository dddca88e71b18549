"""Copies of repositories on this worker."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from flows.runtime.external_task import external_task
from shipway.retention.git_copies import clear_copies
from shipway.retention.outcome import Outcome
from shipway.retention.policy import Retention


@external_task("copies of repositories")
async def clear_git_copies(keep: Retention, *, dry_run: bool) -> Outcome:
    """Remove copies on this worker that may go.

    Raises:
        RefuseError: One belongs to another user.
    """
    return await asyncio.to_thread(clear_copies, keep, datetime.now(UTC), dry_run=dry_run)
