"""Deploy, with enough pods: how many there are of what an autoscaler scales."""

from __future__ import annotations

from blocks.cluster import Cluster
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.opened_run import opened_run_log
from flows.tasks.rollout.read_target import read_target
from shipway.errors import RefuseError, RetryError
from shipway.release import Release
from shipway.rollout.live_pods import check_pods, read_live_pods
from shipway.rollout.target import Target
from shipway.strategies.step import Step


async def at_live_pods(target: Target, step: Step, release: Release) -> tuple[Target, Step]:
    """A step with as many pods as the load needs now, where an autoscaler sets their number.

    Raises:
        HaltError: An autoscaler has left too few to what the step gives all requests to.
    """
    if not target.autoscaled:
        return target, step
    is_rollback = release.cause.is_rollback
    current = await with_live_pods(await read_target(target.app_environment), way_back=is_rollback)
    plan = current.plan(release.image, rollback=is_rollback)
    step = next((planned for planned in plan if planned.name == step.name), step)
    check_pods(current, step)
    return current, step


async def with_live_pods(target: Target, *, way_back: bool) -> Target:
    """A target that knows how many pods its autoscaled workloads have.

    Where another agent applies, Shipway may have no access to the cluster; and no way back waits
    for a number. It stays unknown then, and a warning says so.

    Raises:
        RefuseError: The cluster denies access.
        RetryError: It does not answer.
    """
    if not target.autoscaled:
        return target
    try:
        return target.with_live_pods(await ask_for_live_pods(target))
    except (RefuseError, RetryError) as error:
        if target.rollout.agent != "external" and not way_back:
            raise
        names = ", ".join(workload.title for workload in target.autoscaled)
        opened_run_log().warning(
            "How many pods %s has is not known (%s): taken for what Git says, within the bounds of "
            "its autoscaler",
            names,
            error.what,
        )
        return target


@external_task("see how many pods {target.app} has in {target.environment}")
async def ask_for_live_pods(target: Target) -> dict[str, int]:
    """How many pods the autoscaled workloads have."""
    cluster = await load_block(Cluster, target.cluster)
    async with cluster.client() as client:
        return await read_live_pods(client, target)
