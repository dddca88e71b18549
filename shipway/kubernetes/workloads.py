"""What a cluster says about workloads: which there are, how healthy they are, and why they fail."""

from __future__ import annotations

from datetime import datetime

from kubernetes_asyncio.client import ApiException, CoreV1Api

from shipway.image_ref import repository_of
from shipway.kubernetes.client import KubeClient, Object
from shipway.kubernetes.health import NOT_APPLIED, Health, became_healthy_at, judge
from shipway.kubernetes.objects import KubeObject, images_of

_LOG_LINES = 15
_EVENTS = 5


async def workloads_running(
    client: KubeClient, namespace: str, repository: str
) -> list[KubeObject]:
    """The Deployments, StatefulSets and DaemonSets that run an image of `repository`."""
    workloads = [
        KubeObject(
            file="",
            api_version="apps/v1",
            kind=kind,
            name=body["metadata"]["name"],
            namespace=namespace,
            body=body,
        )
        for kind in ("Deployment", "StatefulSet", "DaemonSet")
        for body in await client.list("apps/v1", kind, namespace, "")
    ]
    return [
        workload
        for workload in workloads
        if repository in map(repository_of, images_of(workload).values())
    ]


async def health_of(
    client: KubeClient, workload: KubeObject, namespace: str, images: dict[str, str]
) -> Health:
    """How far `workload` has come on its way to `images` (by container)."""
    live, pods = await _with_pods(client, workload, namespace)
    if live is None:
        return Health(
            state="progressing",
            updated=0,
            available=0,
            desired_replicas=0,
            reason=NOT_APPLIED,
            applied=False,
        )
    return judge(live, pods, images)


async def healthy_since(
    client: KubeClient, workload: KubeObject, namespace: str
) -> datetime | None:
    """Since when a healthy workload has been so; see `shipway.kubernetes.health`."""
    live, pods = await _with_pods(client, workload, namespace)
    return became_healthy_at(live or {}, pods)


async def last_words(client: KubeClient, namespace: str, health: Health) -> str:
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


async def _with_pods(
    client: KubeClient, workload: KubeObject, namespace: str
) -> tuple[Object | None, list[Object]]:
    """The live object, None where it is not there, and the pods that its selector matches."""
    namespace = workload.namespace or namespace
    live = await client.get(workload.api_version, workload.kind, workload.name, namespace)
    if live is None:
        return None, []
    labels = live["spec"]["selector"].get("matchLabels", {})
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    return live, await client.list("v1", "Pod", namespace, selector)


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
