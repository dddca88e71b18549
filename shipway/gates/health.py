"""The gate that every step with gates has: the new version's pods stay as they should."""

from __future__ import annotations

from shipway.gates.gate import GateProbe
from shipway.gates.measurement import Measurement
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.objects import KubeObject
from shipway.kubernetes.startup import NO_TOLERANCE
from shipway.kubernetes.workloads import health_of, last_words


def health_probe(
    client: KubeClient,
    workload: KubeObject,
    namespace: str,
    images: dict[str, str],
    inconclusive_timeout_seconds: float,
) -> GateProbe:
    """What measures a workload's pods: a container that ends meanwhile fails it.

    Args:
        client: The cluster.
        workload: Whose pods.
        namespace: Where it is.
        images: The image that each of its containers is to run.
        inconclusive_timeout_seconds: How long after the pause the pods may be neither.
    """
    restarts_before: int | None = None

    async def measure() -> Measurement:
        nonlocal restarts_before
        health = await health_of(client, workload, namespace, images, NO_TOLERANCE)
        if health.state == "failed":
            words = await last_words(client, namespace, health)
            return Measurement(verdict="fail", words=f"{health.reason}\n{words}".strip())
        if restarts_before is None:
            restarts_before = health.restarts
        if health.restarts > restarts_before:
            restarts = health.restarts - restarts_before
            words = f"containers ended and were started again: {restarts}"
            return Measurement(verdict="fail", words=words)
        verdict = "pass" if health.state == "healthy" else "inconclusive"
        return Measurement(verdict=verdict, words=health.reason)

    return GateProbe(
        name=workload.title,
        interval_seconds=1,
        consecutive_failures=1,
        inconclusive_timeout_seconds=inconclusive_timeout_seconds,
        measure=measure,
    )
