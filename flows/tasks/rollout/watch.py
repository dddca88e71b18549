"""Deploy, seen through: the agent is asked to apply, the cluster watched until it is healthy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from uuid import UUID

from prefect.logging import get_run_logger

from blocks.cluster import Cluster
from blocks.ops_repository import OpsRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.load_manifests import load_manifests
from flows.tasks.agent.external_agent import hear_agent, nudge_agent
from flows.tasks.agent.start_agent import failure_of, start_agent
from flows.tasks.agent.tell_standing_agents import tell_standing_agents
from shipway.rollout.agent import POLL_SECONDS, has_applied, wait_until_applied
from shipway.rollout.result import StepCommit
from shipway.rollout.target import Target
from shipway.rollout.watch import cluster_has, wait_until_healthy
from shipway.strategies.step import Step

# For how long an agent that is there is waited for before another one is started.
AGENT_SECONDS = 6


async def apply_and_watch(
    target: Target, commit: StepCommit, step: Step, warn: Callable[[str], None]
) -> str:
    """Have a step's commit applied, and watch until the cluster is there; return what it serves.

    The agent is asked for what an earlier run committed too: that one may not have lived to ask.

    Args:
        target: The environment.
        commit: The step's commit.
        step: The step.
        warn: Told what keeps the cluster from getting there, and once that is over.
    """
    agent_run = None
    if commit.new:
        await nudge_agent(target)
    if target.rollout.agent == "reconcile" and (commit.new or not await is_applied(target, step)):
        agent_run = await ask_to_apply(target, step)
    return await watch_step(target, commit, step, agent_run, warn)


async def ask_to_apply(target: Target, step: Step) -> UUID | None:
    """Have a step applied by an agent: one that is there, else a run of its own; return that."""
    told = await tell_standing_agents(target.app_environment)
    if told and await is_applied_soon(target, step):
        return None
    agent_run = await start_agent(target.app_environment)
    await wait_for_agent(target, agent_run)
    return agent_run


@external_task("wait for the standing agent of {target.folder}")
async def is_applied_soon(target: Target, step: Step) -> bool:
    """Whether the cluster is told what a step says while one waits for an agent that is there."""
    deadline = time.monotonic() + AGENT_SECONDS
    while not await _cluster_is_told(target, step):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True


@external_task("wait for the agent of {target.folder}")
async def wait_for_agent(target: Target, agent_run: UUID | None) -> None:
    """Wait until an agent has applied all that Git says, whichever run of it does."""
    cluster = await load_block(Cluster, target.cluster)
    async with cluster.client() as client:
        await wait_until_applied(
            client, target, partial(_fingerprint, target), partial(failure_of, agent_run)
        )


@external_task("look at {target.app} in {target.environment}: {step.name}")
async def is_applied(target: Target, step: Step) -> bool:
    """Whether the cluster has been told what a step says."""
    return await _cluster_is_told(target, step)


@external_task("watch {target.app} in {target.environment}: {step.name}")
async def watch_step(
    target: Target,
    commit: StepCommit,
    step: Step,
    agent_run: UUID | None,
    warn: Callable[[str], None],
) -> str:
    """Watch until the cluster says what the step set, and its workloads are healthy.

    Args:
        target: The environment.
        commit: The step's commit.
        step: What was committed.
        agent_run: The agent's run that was asked to apply the commit, if one was.
        warn: Told what keeps the cluster from getting there, and once that is over.
    """
    cluster = await load_block(Cluster, target.cluster)
    tell = get_run_logger().info
    async with cluster.client() as client, hear_agent(target, commit.commit, warn) as heard:
        failure = heard if target.rollout.external_agent else partial(failure_of, agent_run)
        return await wait_until_healthy(client, target, step, failure, tell, warn)


async def _cluster_is_told(target: Target, step: Step) -> bool:
    """Whether the cluster has been told what a step says, and all else that Git says."""
    cluster = await load_block(Cluster, target.cluster)
    async with cluster.client() as client:
        if not await cluster_has(client, target, step):
            return False
        return await has_applied(client, target, await _fingerprint(target))


async def _fingerprint(target: Target) -> str:
    """What is equal for equal manifests, of those at the tip of the ops repository."""
    ops = await load_block(OpsRepository)
    folder = await asyncio.to_thread(ops.fetch, target.app_environment)
    return (await load_manifests(ops, target, folder)).fingerprint
