"""The gate that every step with gates has: the new version's pods stay as they should."""

from __future__ import annotations

from shipway.gates.measurement import Measurement
from shipway.kubernetes.client import NO_ANSWER, KubeClient
from shipway.kubernetes.objects import KubeObject
from shipway.kubernetes.workloads import health_of, last_words


class HealthLooker:
    """Looks at a workload's pods: one whose container ends while it is looked at is red."""

    interval = 1.0
    failures = 1

    def __init__(
        self,
        client: KubeClient,
        workload: KubeObject,
        namespace: str,
        images: dict[str, str],
        patience: float,
    ):
        self.name, self.patience = workload.title, patience
        self._client, self._workload = client, workload
        self._namespace, self._images = namespace, images
        self._restarts: int | None = None

    async def look(self) -> Measurement:
        """Look once."""
        try:
            health = await health_of(self._client, self._workload, self._namespace, self._images)
            if health.state == "failed":
                words = await last_words(self._client, self._namespace, health)
                return Measurement(verdict="fail", words=f"{health.reason}\n{words}".strip())
        except NO_ANSWER as error:
            return Measurement(verdict="inconclusive", words=str(error) or type(error).__name__)
        before = health.restarts if self._restarts is None else self._restarts
        self._restarts = before
        if health.restarts > before:
            words = f"containers ended and were started again: {health.restarts - before}"
            return Measurement(verdict="fail", words=words)
        verdict = "pass" if health.state == "healthy" else "inconclusive"
        return Measurement(verdict=verdict, words=health.reason)
