"""Which agents say on the cluster's objects that they apply them: one, if all is well."""

from __future__ import annotations

from contextlib import suppress

from shipway.agents import AGENTS
from shipway.errors import ShipwayError
from shipway.kubernetes.client import NO_ANSWER, KubeClient, Object
from shipway.kubernetes.membership import MEMBER, is_marked
from shipway.kubernetes.objects import KubeObject
from shipway.rollout.target import Target
from shipway.rollout.workloads import workloads_of
from shipway.strategies.step import Step

SHIPWAY = "Shipway's own agent"


async def other_agents(client: KubeClient, target: Target, step: Step) -> list[str]:
    """That a workload which a step waits for bears the mark of an agent that is not the app's.

    A mark tells that the agent has applied the object once. It is no proof that it still does.
    Nothing is told where the cluster does not answer.
    """
    warnings: dict[str, None] = {}
    with suppress(ShipwayError, *NO_ANSWER):
        for ready in step.ready:
            for workload in await workloads_of(client, target, ready, wait=False):
                warnings |= dict.fromkeys(await _warnings(client, target, workload))
    return list(warnings)


async def _warnings(client: KubeClient, target: Target, workload: KubeObject) -> list[str]:
    """What there is to be told of one workload."""
    where = target.namespace_of(workload)
    live = await client.get(workload.api_version, workload.kind, workload.name, where)
    others = appliers(live) - _expected(target) if live else ()
    return [_warning(target, workload, agent) for agent in sorted(others)]


def _warning(target: Target, workload: KubeObject, agent: str) -> str:
    words = f"{target.address_of(workload)} bears the mark of {agent} too"
    if agent == SHIPWAY:
        resource = f"{workload.kind.lower()} {workload.name} -n {target.namespace_of(workload)}"
        words += f"; if that one is gone, `kubectl label {resource} {MEMBER}-`"
    return f"Two agents may apply {target.folder}: {words}"


def appliers(body: Object) -> frozenset[str]:
    """The agents whose mark an object bears."""
    marks = {kind.applier(body) for kind in AGENTS.values()}
    return frozenset({mark for mark in marks if mark} | ({SHIPWAY} if is_marked(body) else set()))


def _expected(target: Target) -> frozenset[str]:
    external = target.rollout.external_agent
    return external.settings.titles if external else frozenset({SHIPWAY})
