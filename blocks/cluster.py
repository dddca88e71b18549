"""Where apps run: a Kubernetes cluster."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime

from kubernetes_asyncio.client import ApiException, CoreV1Api
from prefect.blocks.core import Block
from prefect_kubernetes.credentials import KubernetesCredentials
from pydantic import Field

from blocks.images import repository_of
from blocks.kube.apply import Change, apply_set
from blocks.kube.client import KubeClient, Object
from blocks.kube.connect import connected
from blocks.kube.health import NOT_APPLIED, Health, healthy_since, judge
from blocks.kube.objects import KubeObject, images_of

_LOG_LINES = 15
_EVENTS = 5


class Cluster(Block):
    """A Kubernetes cluster that one or more environments live in."""

    _block_type_name = "Cluster"
    _block_type_slug = "cluster"
    _description = "A Kubernetes cluster; name the block like the environment that lives in it."

    credentials: KubernetesCredentials = Field(
        default_factory=KubernetesCredentials,
        description="How to reach it; from inside the cluster or the local kubeconfig if empty.",
    )
    reachable_seconds: float = Field(
        default=60, gt=0, description="How long to wait for an API server that does not answer yet."
    )

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[KubeClient]:
        """A client of the cluster, once its API server answers.

        Raises:
            Retry: It does not answer within `reachable_seconds`.
            Refuse: It denies access, or there is no usable configuration.
        """
        async with connected(self.credentials, self.reachable_seconds) as client:
            yield client

    async def apply(
        self,
        name: str,
        namespace: str,
        objects: list[KubeObject],
        fingerprint: str,
        *,
        heal: bool = True,
    ) -> list[Change]:
        """Make the cluster equal to `objects`; see `blocks.kube.apply.apply_set`."""
        async with self.client() as client:
            return await apply_set(client, name, namespace, objects, fingerprint, heal=heal)

    async def workloads(
        self, client: KubeClient, namespace: str, repository: str
    ) -> list[KubeObject]:
        """The Deployments, StatefulSets and DaemonSets that run an image of `repository`."""
        found: list[KubeObject] = []
        for kind in ("Deployment", "StatefulSet", "DaemonSet"):
            for body in await client.list("apps/v1", kind, namespace, ""):
                one = KubeObject(
                    file="",
                    api_version="apps/v1",
                    kind=kind,
                    name=body["metadata"]["name"],
                    namespace=namespace,
                    body=body,
                )
                if repository in map(repository_of, images_of(one).values()):
                    found.append(one)
        return found

    async def health(
        self, client: KubeClient, workload: KubeObject, namespace: str, images: dict[str, str]
    ) -> Health:
        """How far `workload` has come on its way to `images` (by container)."""
        found, pods = await self._with_pods(client, workload, namespace)
        if found is None:
            return Health(
                state="progressing",
                updated=0,
                available=0,
                wanted=0,
                reason=NOT_APPLIED,
                applied=False,
            )
        return judge(found, pods, images)

    async def healthy_since(
        self, client: KubeClient, workload: KubeObject, namespace: str
    ) -> datetime | None:
        """Since when a healthy workload has been so; see `blocks.kube.health.healthy_since`."""
        found, pods = await self._with_pods(client, workload, namespace)
        return healthy_since(found or {}, pods)

    async def _with_pods(
        self, client: KubeClient, workload: KubeObject, namespace: str
    ) -> tuple[Object | None, list[Object]]:
        namespace = workload.namespace or namespace
        found = await client.get(workload.api_version, workload.kind, workload.name, namespace)
        if found is None:
            return None, []
        labels = found["spec"]["selector"].get("matchLabels", {})
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        return found, await client.list("v1", "Pod", namespace, selector)

    async def last_words(self, client: KubeClient, namespace: str, health: Health) -> str:
        """What is known of the failed pod: the end of its log, and its latest warnings."""
        if health.pod is None:
            return ""
        core = CoreV1Api(client.api)
        log = await _log_of(core, health.pod, namespace, health.container)
        events = await core.list_namespaced_event(
            namespace, field_selector=f"involvedObject.name={health.pod},type=Warning"
        )
        warnings = [f"{event.reason}: {event.message}" for event in events.items[-_EVENTS:]]
        return "\n".join([*([log] if log else []), *warnings])


async def _log_of(core: CoreV1Api, pod: str, namespace: str, container: str | None) -> str:
    """The end of a container's log: of its run before this one, which failed, else of this one."""
    for previous in (True, False):
        try:
            log = await core.read_namespaced_pod_log(
                pod,
                namespace,
                container=container or "",
                previous=previous,
                tail_lines=_LOG_LINES,
            )
        except ApiException:
            continue
        if log:
            return str(log).strip()
    return ""
