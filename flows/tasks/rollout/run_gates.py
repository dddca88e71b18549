"""Deploy, judged: a step's gates, for as long as it is paused."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from blocks.cluster import Cluster
from blocks.metrics import Metrics
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.opened_run import opened_run_log
from shipway.errors import ShipwayError
from shipway.gates import run
from shipway.gates.gate import Gate, GateContext, GateProbe
from shipway.gates.health import health_probe
from shipway.gates.measurement import Measurement
from shipway.gates.run import PassedGate, Tell
from shipway.image_ref import ImageRef
from shipway.kubernetes.client import KubeClient
from shipway.prometheus import Prometheus
from shipway.rollout.target import Target
from shipway.rollout.workloads import images_for, workloads_of
from shipway.strategies.step import Step


@external_task("check the gates")
async def check_gates(target: Target) -> None:
    """See that the gates can be meant, before anything is committed.

    Raises:
        RefuseError: One cannot, or there is no block that it needs.
        RetryError: What one has to ask does not answer.
    """
    gates = target.rollout.gates
    prometheus = await _prometheus_for(target, gates)
    await run.check_gates(gates, f"{target.folder}/rollout.yaml", prometheus)


@external_task("run the gates of {step.name}")
async def run_gates(
    target: Target, step: Step, image: ImageRef, since: float, tell: Tell
) -> list[PassedGate]:
    """Pause a step, and measure its gates all the while; return what those that passed said.

    Args:
        target: The environment.
        step: The step, committed and applied.
        image: The new version.
        since: When the cluster got to it, as `time.monotonic` says it.
        tell: Called with every measurement of a gate.

    Raises:
        BadVersionError: A gate fails.
        HaltError: A gate is inconclusive for too long.
    """
    cluster = await load_block(Cluster, target.cluster)
    pause_until = since + step.pause_seconds
    log = _log_verdicts()

    def tell_all(gate: str, measurement: Measurement) -> None:
        log(gate, measurement)
        tell(gate, measurement)

    async with cluster.client() as client:
        context = await _context(client, target, step, image, since, wait=True)
        asked = [gate.settings.probe(gate, context) for gate in _gates(target, step)]
        return await run.run_gates([*_pods(target, context), *asked], pause_until, tell_all)


@external_task("see what the gates of {step.name} measure now")
async def measure_gates(target: Target, step: Step, image: ImageRef) -> dict[str, Measurement]:
    """Measure once each gate of a step that is yet to be committed, if that changes nothing.

    Args:
        target: The environment.
        step: The step.
        image: The new version.

    Returns:
        What each measured, by its name; what cannot be asked is inconclusive.
    """
    gates = [gate for gate in _gates(target, step) if gate.settings.only_looks]
    # As far back as at the end of the pause.
    since = time.monotonic() - step.pause_seconds
    try:
        cluster = await load_block(Cluster, target.cluster)
        async with cluster.client() as client:
            context = await _context(client, target, step, image, since, wait=False)
            probes = {gate.name: gate.settings.probe(gate, context) for gate in gates}
            return {name: await probe.measure() for name, probe in probes.items()}
    except ShipwayError as error:
        return {gate.name: Measurement(verdict="inconclusive", words=error.what) for gate in gates}


def gate_trailers(passed: Sequence[PassedGate]) -> dict[str, str]:
    """What the gates that let a step pass said, as a trailer of the next step's commit."""
    return {"Gates": "; ".join(f"{gate.name}: {gate.words}" for gate in passed)} if passed else {}


def _log_verdicts() -> Tell:
    """Log what gates say where it is another verdict than before."""
    logger, logged = opened_run_log(), dict[str, str]()

    def tell(gate: str, measurement: Measurement) -> None:
        if logged.get(gate) != measurement.verdict:
            level = logging.INFO if measurement.verdict == "pass" else logging.WARNING
            logger.log(level, "gate %s: %s, %s", gate, measurement.verdict, measurement.words)
        logged[gate] = measurement.verdict

    return tell


async def _context(
    client: KubeClient, target: Target, step: Step, image: ImageRef, since: float, *, wait: bool
) -> GateContext:
    """What the gates of a step may look at; the workloads of rendered manifests may come yet."""
    workloads = [
        workload
        for ready in step.ready
        for workload in await workloads_of(client, target, ready, wait=wait)
    ]
    return GateContext(
        client=client,
        namespace=target.rollout.namespace,
        image=str(image),
        prometheus=await _prometheus_for(target, _gates(target, step)),
        new=workloads,
        old=[workload for workload in target.workloads if workload.title == step.baseline],
        since=since,
    )


def _gates(target: Target, step: Step) -> list[Gate]:
    """Those of rollout.yaml that a step asks."""
    return [gate for gate in target.rollout.gates if gate.when == step.gates]


def _pods(target: Target, context: GateContext) -> list[GateProbe]:
    """What measures the pods of a step's workloads."""
    return [
        health_probe(
            context.client,
            workload,
            target.namespace_of(workload),
            images_for(target, workload, context.image),
            target.rollout.progress_deadline_seconds,
        )
        for workload in context.new
    ]


async def _prometheus_for(target: Target, gates: Sequence[Gate]) -> Prometheus | None:
    """The environment's Metrics block, if one of the gates asks it."""
    if any(gate.settings.asks_prometheus for gate in gates):
        return await load_block(Metrics, target.rollout.metrics or target.environment)
    return None
