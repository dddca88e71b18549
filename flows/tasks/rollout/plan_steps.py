"""Deploy, beforehand: what each step would commit."""

from __future__ import annotations

import asyncio

from blocks.ops_repository import OpsRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.release import Release
from shipway.rollout import plan
from shipway.rollout.plan import StepPlan
from shipway.rollout.target import Target


@external_task("plan the steps of {target.folder}")
async def plan_steps(target: Target, releases: list[Release]) -> list[StepPlan]:
    """The steps of some releases, one after the other, and what the commit of each changes.

    Args:
        target: The environment.
        releases: What is released.
    """
    ops = await load_block(OpsRepository)
    folder = await asyncio.to_thread(ops.fetch, target.app_environment)
    return await asyncio.to_thread(plan.plan_steps, folder, target.live_pods, releases)
