"""Deploy, judged: a step's gates, for as long as it is held."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime

from blocks.cluster import Cluster
from blocks.concurrency import together
from blocks.kube.client import KubeClient
from blocks.kube.objects import KubeObject
from blocks.metrics import Metrics
from flows.strategies import Step
from flows.tasks.deploy.clusters import cluster_of
from flows.tasks.deploy.gates.command import CommandLooker
from flows.tasks.deploy.gates.course import Passed, Tell, course, seconds_left, telling
from flows.tasks.deploy.gates.health import HealthLooker
from flows.tasks.deploy.gates.page import PageLooker
from flows.tasks.deploy.gates.prometheus import PrometheusLooker, check_queries, pods_of
from flows.tasks.deploy.gates.reading import Looker, Reading
from flows.tasks.deploy.target import Target
from flows.tasks.deploy.watch import images_for, workloads_of
from flows.tasks.outside import outside
from flows.tasks.saved import saved


@outside("judge {step.name}")
async def judge_step(
    target: Target, step: Step, image: str, since: datetime, tell: Tell
) -> list[Passed]:
    """Hold a step, and look at its gates all the while; return what those that passed said.

    Args:
        target: The environment.
        step: The step, committed and applied.
        image: The new version.
        since: When it was committed.
        tell: Called with every answer of a gate.

    Raises:
        BadVersion: A gate is red.
        Halt: A gate has no answer.
    """
    cluster = await cluster_of(target.cluster)
    hold_until = time.monotonic() + seconds_left(since, step.hold)
    log = telling()

    def tell_all(gate: str, reading: Reading) -> None:
        log(gate, reading)
        tell(gate, reading)

    async with cluster.client() as client:
        gates = await _gates(target, step, image, since, cluster, client)
        async with together() as group:
            courses = [group.create_task(course(gate, hold_until, tell_all)) for gate in gates]
    return [one.result() for one in courses]


def figures(passed: Sequence[Passed]) -> dict[str, str]:
    """What the gates that let a step pass said, as a trailer of the next step's commit."""
    return {"Gates": "; ".join(f"{one.gate}: {one.words}" for one in passed)} if passed else {}


@outside("check the gates")
async def check_gates(target: Target) -> None:
    """See that Prometheus takes every query, before anything is committed.

    Raises:
        Refuse: It does not, or there is no Metrics block.
        Retry: It does not answer.
    """
    for number, gate in enumerate(target.rollout.gates):
        if gate.prometheus is not None:
            metrics = await metrics_of(target)
            where = f"{target.folder}/rollout.yaml: gates.{number} ({gate.name})"
            await check_queries(gate.prometheus, metrics, where)


async def metrics_of(target: Target) -> Metrics:
    """The Metrics block of an environment.

    Raises:
        Refuse: There is none.
    """
    name = target.rollout.metrics or target.environment
    return await saved(
        Metrics,
        name,
        f"There is no Prometheus for {target.environment!r}.",
        expected="a Metrics block named like the environment, or as rollout.yaml says",
        untouched="the ops repository and the cluster",
    )


async def _gates(
    target: Target,
    step: Step,
    image: str,
    since: datetime,
    cluster: Cluster,
    client: KubeClient,
) -> list[Looker]:
    found: list[Looker] = []
    new: list[KubeObject] = []
    for ready in step.ready:
        for workload in await workloads_of(cluster, client, target, ready):
            images = images_for(target, workload, image)
            namespace = target.namespace_of(workload)
            patience = target.rollout.progress_deadline
            found.append(HealthLooker(cluster, client, workload, namespace, images, patience))
            new.append(workload)
    old = [one for one in target.workloads if one.title == step.beside]
    names = pods_of(new), pods_of(old)
    for gate in target.rollout.gates:
        if gate.when != step.gates:
            continue
        if gate.prometheus is not None:
            metrics = await metrics_of(target)
            found.append(PrometheusLooker(gate, gate.prometheus, metrics, *names, since))
        if gate.http is not None:
            found.append(PageLooker(gate, gate.http, client, target.rollout.namespace))
        if gate.job is not None:
            namespace = target.rollout.namespace
            found.append(CommandLooker(gate, gate.job, client, namespace, image))
    return found
