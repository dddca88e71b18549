"""Deploy, judged: since when the cluster has a step."""

from __future__ import annotations

import time

from blocks.cluster import Cluster
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.rollout.in_force import seconds_in_force
from shipway.rollout.result import StepCommit
from shipway.rollout.target import Target
from shipway.strategies.step import Step


@external_task("see since when {target.environment} has {step.name}")
async def in_force_since(target: Target, step: Step, commit: StepCommit) -> float:
    """Since when the cluster has a step that an earlier run has committed.

    Args:
        target: The environment.
        step: The step, which the cluster has by now.
        commit: Its commit.

    Returns:
        The time as `time.monotonic` says it; now, where the cluster does not tell.
    """
    cluster = await load_block(Cluster, target.cluster)
    async with cluster.client() as client:
        seconds = await seconds_in_force(client, target, step, commit.at)
    return time.monotonic() - seconds
