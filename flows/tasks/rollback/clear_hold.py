"""The end of a hold: an image that was rolled back may be released again."""

from __future__ import annotations

import asyncio

from blocks.ops_repository import OpsRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.run_context import run_context
from shipway.app_environment import AppEnvironment
from shipway.rollback.clear_hold import clear_hold
from shipway.rollback.commit import Reason
from shipway.rollout.result import StepCommit


@external_task("clear the hold on {revision}")
async def commit_cleared_hold(
    app_environment: AppEnvironment, revision: str, reason: Reason
) -> StepCommit:
    """Commit the end of a hold, so that its image may be released again."""
    ops = await load_block(OpsRepository)
    return await asyncio.to_thread(
        clear_hold, ops, app_environment, revision, reason, run_context()
    )
