"""Deploy, to where: one app in one environment, as the ops repository has it."""

from __future__ import annotations

import asyncio

from blocks.ops_repository import OpsRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.app_environment import AppEnvironment
from shipway.rollout.target import Target, target_of


@external_task("read {app_environment.folder}")
async def read_target(app_environment: AppEnvironment) -> Target:
    """Read and check an app's folder of the ops repository at the tip of its branch."""
    ops = await load_block(OpsRepository)
    return target_of(await asyncio.to_thread(ops.fetch, app_environment))
