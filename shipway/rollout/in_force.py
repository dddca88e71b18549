"""For how long the cluster has had a step, as the cluster itself tells."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from shipway.kubernetes.annotations import path_of
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.route import ROUTES
from shipway.kubernetes.workloads import rolled_out_since
from shipway.kubernetes.written import is_scaled, written_at
from shipway.rollout.target import Target
from shipway.rollout.wait_for_field import object_of
from shipway.rollout.workloads import workloads_of
from shipway.strategies.app_folder import REPLICAS
from shipway.strategies.step import Edit, Step


async def seconds_in_force(
    client: KubeClient, target: Target, step: Step, committed_at: datetime
) -> float:
    """For how long, at least, the cluster has had a step that it has now.

    Args:
        client: The cluster.
        target: The environment.
        step: The step.
        committed_at: When it was committed: the cluster may have had it before by chance.

    Returns:
        Seconds; 0 where the cluster does not tell. Its times are compared with its own clock, and
        the commit's with that of this machine.
    """
    times = [time async for time in _times(client, target, step)]
    known = [time for time in times if time is not None]
    if not known or len(known) < len(times):
        return 0
    committed = (datetime.now(UTC) - committed_at).total_seconds()
    return max(0, min(client.seconds_since(max(known)), committed))


async def _times(client: KubeClient, target: Target, step: Step) -> AsyncIterator[datetime | None]:
    """When each part of a step came about; None for what does not tell."""
    for edit in step.expects:
        if not edit.field.is_image:
            async for time in _field_times(client, target, edit):
                yield time
    for ready in step.ready:
        for workload in await workloads_of(client, target, ready, wait=False):
            namespace = target.namespace_of(workload)
            yield await rolled_out_since(client, workload, namespace, target.rollout.startup)


async def _field_times(
    client: KubeClient, target: Target, edit: Edit
) -> AsyncIterator[datetime | None]:
    """When a field was written and, of a route, when a gateway last told what it makes of it."""
    desired = object_of(target, edit)
    namespace = target.namespace_of(desired)
    live = await client.get(desired.api_version, desired.kind, desired.name, namespace)
    if live is None:
        yield None
        return
    # Of pods that an autoscaler counts, the workload tells.
    if edit.field.name == REPLICAS and is_scaled(live):
        return
    yield written_at(live, path_of(edit.field.name))
    if desired.kind in ROUTES:
        yield written_at(live, ("status", "parents"))
