"""The history of an environment, from Git alone."""

from __future__ import annotations

import asyncio
from datetime import datetime

from blocks.ops_repository import OpsRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.history.change import Change
from shipway.history.changes import changes_in


@external_task("read the history of {environment}")
async def read_history(environment: str, app: str | None, since: datetime) -> list[Change]:
    """What became of an environment's apps (or of one) since then, newest first."""
    ops = await load_block(OpsRepository)
    return await asyncio.to_thread(changes_in, ops, environment, app, since)
