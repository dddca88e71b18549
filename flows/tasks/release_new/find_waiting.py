"""What waits for promotions that start by themselves, as the ops repository says now."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from blocks.ops_repository import OpsRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.errors import RefuseError
from shipway.git.ops_folder import OpsFolder
from shipway.rollout.deployed import Deployed, deployed_in
from shipway.rollout.waves import Waiting, waiting_for


@external_task("see what waits for promotions that start by themselves")
async def find_waiting() -> list[Waiting]:
    """What waits, and for what; a folder that cannot be read promotes nothing.

    Raises:
        RefuseError: The ops repository is not there, or access is denied.
        RetryError: Git does not answer.
    """
    ops = await load_block(OpsRepository)
    read = await asyncio.to_thread(ops.consult_each, lambda folder, _: _read(folder))
    everywhere, now = [one for one in read if one is not None], datetime.now(UTC)
    by_themselves = [one for one in everywhere if one.promotion and one.promotion.by_itself]
    found = (waiting_for(one, everywhere, now) for one in by_themselves)
    return [one for one in found if one is not None]


def _read(folder: OpsFolder) -> Deployed | None:
    try:
        return deployed_in(folder)
    except RefuseError:
        # Who looks for what is new tells of it.
        return None
