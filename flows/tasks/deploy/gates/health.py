"""The gate that every step with gates has: the new version's pods stay as they should."""

from __future__ import annotations

from blocks.cluster import Cluster
from blocks.kube.client import NO_ANSWER, KubeClient
from blocks.kube.objects import KubeObject
from flows.tasks.deploy.gates.reading import Reading


class HealthLooker:
    """Looks at a workload's pods: one whose container ends while it is looked at is red."""

    interval = 1.0
    failures = 1

    def __init__(
        self,
        cluster: Cluster,
        client: KubeClient,
        workload: KubeObject,
        namespace: str,
        images: dict[str, str],
        patience: float,
    ):
        self.name, self.patience = workload.title, patience
        self._cluster, self._client, self._workload = cluster, client, workload
        self._namespace, self._images = namespace, images
        self._restarts: int | None = None

    async def look(self) -> Reading:
        """Look once."""
        try:
            health = await self._cluster.health(
                self._client, self._workload, self._namespace, self._images
            )
            if health.state == "failed":
                words = await self._cluster.last_words(self._client, self._namespace, health)
                return Reading(verdict="fail", words=f"{health.reason}\n{words}".strip())
        except NO_ANSWER as error:
            return Reading(verdict="inconclusive", words=str(error) or type(error).__name__)
        before = health.restarts if self._restarts is None else self._restarts
        self._restarts = before
        if health.restarts > before:
            words = f"containers ended and were started again: {health.restarts - before}"
            return Reading(verdict="fail", words=words)
        verdict = "pass" if health.state == "healthy" else "inconclusive"
        return Reading(verdict=verdict, words=health.reason)
