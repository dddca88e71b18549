"""Deploy, judged: a step's gates, for as long as it is held."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime

from prefect.logging import get_run_logger

from blocks.cluster import Cluster
from blocks.metrics import Metrics
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.tasks.rollout.watch import images_for, workloads_of
from shipway.concurrency import fail_fast_group
from shipway.gates.health import HealthLooker
from shipway.gates.http import PageLooker
from shipway.gates.job import CommandLooker
from shipway.gates.measurement import Looker, Measurement
from shipway.gates.prometheus import PrometheusLooker, check_queries, pods_of
from shipway.gates.run import Passed, Tell, course, seconds_left
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.objects import KubeObject
from shipway.rollout.target import Target
from shipway.strategies import Step


@external_task("judge {step.name}")
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
        BadVersionError: A gate is red.
        HaltError: A gate has no answer.
    """
    cluster = await load_block(Cluster, target.cluster)
    hold_until = time.monotonic() + seconds_left(since, step.hold)
    log = log_verdicts()

    def tell_all(gate: str, reading: Measurement) -> None:
        log(gate, reading)
        tell(gate, reading)

    async with cluster.client() as client:
        gates = await _gates(target, step, image, since, client)
        async with fail_fast_group() as group:
            courses = [group.create_task(course(gate, hold_until, tell_all)) for gate in gates]
    return [one.result() for one in courses]


def figures(passed: Sequence[Passed]) -> dict[str, str]:
    """What the gates that let a step pass said, as a trailer of the next step's commit."""
    return {"Gates": "; ".join(f"{one.gate}: {one.words}" for one in passed)} if passed else {}


@external_task("check the gates")
async def check_gates(target: Target) -> None:
    """See that Prometheus takes every query, before anything is committed.

    Raises:
        RefuseError: It does not, or there is no Metrics block.
        RetryError: It does not answer.
    """
    for number, gate in enumerate(target.rollout.gates):
        if gate.prometheus is not None:
            metrics = await load_block(Metrics, target.rollout.metrics or target.environment)
            where = f"{target.folder}/rollout.yaml: gates.{number} ({gate.name})"
            await check_queries(gate.prometheus, metrics, where)


async def _gates(
    target: Target,
    step: Step,
    image: str,
    since: datetime,
    client: KubeClient,
) -> list[Looker]:
    found: list[Looker] = []
    new: list[KubeObject] = []
    for ready in step.ready:
        for workload in await workloads_of(client, target, ready):
            images = images_for(target, workload, image)
            namespace = target.namespace_of(workload)
            patience = target.rollout.progress_deadline
            found.append(HealthLooker(client, workload, namespace, images, patience))
            new.append(workload)
    old = [one for one in target.workloads if one.title == step.beside]
    names = pods_of(new), pods_of(old)
    for gate in target.rollout.gates:
        if gate.when != step.gates:
            continue
        if gate.prometheus is not None:
            metrics = await load_block(Metrics, target.rollout.metrics or target.environment)
            found.append(PrometheusLooker(gate, gate.prometheus, metrics, *names, since))
        if gate.http is not None:
            found.append(PageLooker(gate, gate.http, client, target.rollout.namespace))
        if gate.job is not None:
            namespace = target.rollout.namespace
            found.append(CommandLooker(gate, gate.job, client, namespace, image))
    return found


def log_verdicts() -> Tell:
    """Log what gates say where it is another verdict than before."""
    logger, said = get_run_logger(), dict[str, str]()

    def tell(gate: str, reading: Measurement) -> None:
        if said.get(gate) != reading.verdict:
            logger.info("gate %s: %s, %s", gate, reading.verdict, reading.words)
        said[gate] = reading.verdict

    return tell
