"""Deploy, the way back in the cluster: what takes over at once must be there."""

from __future__ import annotations

import asyncio

from blocks.errors import Halt
from blocks.ops_repository import OpsRepository
from flows.strategies import Step, first_with_edits
from flows.tasks.code import source_of
from flows.tasks.deploy.agent import ask_agent
from flows.tasks.deploy.back import UNTOUCHED, WentBack, commit_rollback, last_way, release_before
from flows.tasks.deploy.clusters import cluster_of
from flows.tasks.deploy.target import Target, target_of
from flows.tasks.deploy.watch import images_for, is_under_way
from flows.tasks.outside import outside


async def go_back_now(target: Target, to: str | None, reason: str, by: str) -> WentBack:
    """Commit the way back once it is known to be safe, and have the agent apply it at once.

    A way back that the cluster has yet to come to the end of is gone on with.

    Raises:
        Refuse: There is no release to go back to.
        Halt: The version to go back to has no healthy pod, and the one to leave has.
    """
    unseen = await check_take_over(target, to)
    went = await commit_rollback(target, to, reason, by, unseen=unseen)
    if target.rollout.agent == "reconcile":
        await ask_agent(target.environment, target.app)
    return went


@outside("see what {target.app} in {target.environment} can go back to")
async def check_take_over(target: Target, to: str | None) -> bool:
    """See that the first step of the way back gives the requests to pods that can take them.

    Returns:
        Whether the cluster has yet to come to where the last way back leads.
    """
    ops = await OpsRepository.aload("default")
    source = await source_of(target.app)
    wanted = await asyncio.to_thread(ops.fetch, target.environment, target.app)
    history = await asyncio.to_thread(ops.history, target.environment, target.app)
    now = target_of(wanted, target.app, target.environment)
    way = await asyncio.to_thread(last_way, source, now, history)
    unseen = way is not None and await is_under_way(now, now.plan(way.goal.image, back=True)[-1])
    if way is not None and way.goes_on(to, unseen=unseen):
        image = way.goal.image
    else:
        image = release_before(wanted, now, history, to)
    await _check(now, first_with_edits(now.plan(image, back=True)))
    return unseen


async def _check(target: Target, step: Step) -> None:
    """See that what a step gives all requests to at once can take them.

    Raises:
        Halt: No pod of it is healthy, and one of the version to leave is.
    """
    if not step.needs:
        return
    cluster = await cluster_of(target.cluster)
    async with cluster.client() as client:
        needed = {ready.workload: ready.image for ready in step.needs}
        healthy: dict[str, int] = {}
        for workload in target.workloads:
            needed_image = needed.get(workload.title)
            wanted = images_for(target, workload, needed_image) if needed_image else {}
            namespace = target.namespace_of(workload)
            health = await cluster.health(client, workload, namespace, wanted)
            healthy[workload.title] = health.available if health.applied else 0
    lacking = [str(name) for name in needed if not healthy.get(str(name))]
    if lacking and any(count for name, count in healthy.items() if name not in lacking):
        raise Halt(
            "The version to go back to has no healthy pod: the new one is the only copy.",
            where=", ".join(lacking),
            expected="a healthy pod of the version before",
            got=", ".join(f"{name}: {count} healthy" for name, count in healthy.items()),
            untouched=f"{UNTOUCHED}: all requests stay where they are",
            remedy="mend the version before, or release a revision that mends the new one",
        )
