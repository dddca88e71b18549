"""What takes over at once in a rollback must be there: a pod of the version before, healthy."""

from __future__ import annotations

from shipway.errors import HaltError
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.workloads import health_of
from shipway.rollout.target import Target
from shipway.rollout.workloads import images_for
from shipway.strategies.step import Step


async def check_takeover(client: KubeClient, target: Target, step: Step) -> None:
    """See that what a step gives all requests to at once can take them.

    Raises:
        HaltError: No pod of it is healthy, and one of the version to leave is.
    """
    needed = {ready.workload: ready.image for ready in step.requires}
    healthy: dict[str, int] = {}
    for workload in target.workloads:
        image = needed.get(workload.title)
        images = images_for(target, workload, image) if image else {}
        health = await health_of(client, workload, target.namespace_of(workload), images)
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
