"""Deploy, the way back in the cluster: what takes over at once must be there."""

from __future__ import annotations

import asyncio

from blocks.cluster import Cluster
from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from flows.runtime.external_task import external_task
from flows.runtime.interrupted_runs import was_interrupted
from flows.runtime.load_block import load_block
from flows.runtime.run_link import this_run
from flows.tasks.agent.request import tell_standing_agents
from flows.tasks.rollback.commit import WentBack, commit_rollback
from flows.tasks.rollout.watch import images_for
from shipway.errors import HaltError
from shipway.kubernetes.workloads import health_of
from shipway.rollback.target import rollback_target
from shipway.rollout.target import Target, target_of
from shipway.strategies.step import Step, first_with_edits


async def go_back_now(target: Target, to: str | None, reason: str, by: str) -> WentBack:
    """Commit the way back once it is known to be safe, and tell the agent at once.

    Raises:
        RefuseError: There is no release to go back to.
        HaltError: The version to go back to has no healthy pod, and the one to leave has.
    """
    await check_take_over(target, to)
    went = await commit_rollback(target, to, reason, by)
    if target.rollout.agent == "reconcile":
        await tell_standing_agents(target.environment, target.app)
    return went


@external_task("see what {target.app} in {target.environment} can go back to")
async def check_take_over(target: Target, to: str | None) -> None:
    """See that the first step of the way back gives the requests to pods that can take them.

    A way that Git has begun waits for them before it goes on, as any rollout does.
    """
    ops = await load_block(OpsRepository)
    source = await load_block(SourceRepository, target.app)
    wanted = await asyncio.to_thread(ops.fetch, target.environment, target.app)
    history = await asyncio.to_thread(ops.history, target.environment, target.app)
    now = target_of(wanted, target.app, target.environment)
    goal = await asyncio.to_thread(
        rollback_target, source, wanted, now, history, to, this_run(), was_interrupted
    )
    if not goal.begun:
        await _check(now, first_with_edits(now.plan(goal.image, back=True)))


async def _check(target: Target, step: Step) -> None:
    """See that what a step gives all requests to at once can take them.

    Raises:
        HaltError: No pod of it is healthy, and one of the version to leave is.
    """
    if not step.requires:
        return
    cluster = await load_block(Cluster, target.cluster)
    async with cluster.client() as client:
        needed = {ready.workload: ready.image for ready in step.requires}
        healthy: dict[str, int] = {}
        for workload in target.workloads:
            needed_image = needed.get(workload.title)
            wanted = images_for(target, workload, needed_image) if needed_image else {}
            namespace = target.namespace_of(workload)
            health = await health_of(client, workload, namespace, wanted)
            healthy[workload.title] = health.available if health.applied else 0
    lacking = [str(name) for name in needed if not healthy.get(str(name))]
    if lacking and any(count for name, count in healthy.items() if name not in lacking):
        raise HaltError(
            "The version to go back to has no healthy pod: the new one is the only copy.",
            where=", ".join(lacking),
            expected="a healthy pod of the version before",
            got=", ".join(f"{name}: {count} healthy" for name, count in healthy.items()),
            untouched="the ops repository and the cluster: all requests stay where they are",
            remedy="mend the version before, or release a revision that mends the new one",
        )
