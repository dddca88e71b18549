"""What a cluster says about workloads: which there are, how healthy they are, and why they fail."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Any

from kubernetes_asyncio.client import ApiException, CoreV1Api

from shipway.image_ref import repository_of
from shipway.kubernetes.client import KubeClient, Object
from shipway.kubernetes.health import NOT_APPLIED, Health, became_healthy_at, judge
from shipway.kubernetes.objects import KubeObject, images_of
from shipway.kubernetes.observed import Observed
from shipway.kubernetes.pods import says_ready
from shipway.kubernetes.rolled_out import rolled_out_at
from shipway.kubernetes.startup import Startup

_LOG_LINES = 15
_EVENTS = 5
_NO_LOG = "unable to retrieve container logs for "


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
    client: KubeClient,
    workload: KubeObject,
    namespace: str,
    images: dict[str, str],
    startup: Startup | None = None,
) -> Health:
    """How far `workload` has come on its way to `images` (by container).

    Args:
        client: The cluster.
        workload: The workload.
        namespace: Where it is, unless it says so itself.
        images: The desired image of each container that the release sets.
        startup: What a container that starts is forgiven; the default if not given.
    """
    observed = await _observe(client, workload, namespace)
    if observed is None:
        return Health(
            state="progressing",
            updated=0,
            available=0,
            desired_replicas=0,
            reason=NOT_APPLIED,
            applied=False,
        )
    return judge(observed, images, startup or Startup(), client.now())


async def healthy_since(
    client: KubeClient, workload: KubeObject, namespace: str
) -> datetime | None:
    """Since when a healthy workload has been so; see `shipway.kubernetes.health`."""
    observed = await _observe(client, workload, namespace)
    return None if observed is None else became_healthy_at(observed.workload, observed.owned_pods)


async def rolled_out_since(
    client: KubeClient, workload: KubeObject, namespace: str, startup: Startup
) -> datetime | None:
    """Since when a healthy workload runs what it is told; see `shipway.kubernetes.rolled_out`."""
    observed = await _observe(client, workload, namespace)
    return None if observed is None else rolled_out_at(observed, startup)


async def last_words(client: KubeClient, namespace: str, health: Health) -> str:
    """What is known of the failed pod: the end of its log, and its latest warnings."""
    if health.pod is None:
        return ""
    log = await end_of_log(client, namespace, health.pod, health.container)
    events = await CoreV1Api(client.api).list_namespaced_event(
        namespace, field_selector=f"involvedObject.name={health.pod},type=Warning"
    )
    warnings = [f"{event.reason}: {event.message}" for event in events.items[-_EVENTS:]]
    return "\n".join([*([log] if log else []), *warnings])


async def end_of_log(client: KubeClient, namespace: str, pod: str, container: str | None) -> str:
    """The end of a container's log: of its run before this one, which failed, else of this one."""
    core = CoreV1Api(client.api)
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
        # Of a container that is removed already, a node says so in the log's place.
        if log and not str(log).startswith(_NO_LOG):
            return str(log).strip()
    return ""


async def _observe(client: KubeClient, workload: KubeObject, namespace: str) -> Observed | None:
    """The live object and what belongs to it; None where it is not there."""
    namespace = workload.namespace or namespace
    live = await client.get(workload.api_version, workload.kind, workload.name, namespace)
    if live is None:
        return None
    selector = selector_of(live["spec"]["selector"])
    kind = "ReplicaSet" if workload.kind == "Deployment" else "ControllerRevision"
    # An item of a list may lack its kind, and so may a body: the one that was asked for counts.
    observed = Observed(
        workload=live | {"kind": workload.kind},
        revisions=tuple(await client.list("apps/v1", kind, namespace, selector)),
        pods=tuple(await client.list("v1", "Pod", namespace, selector)),
    )
    desired = live["spec"].get("replicas", live.get("status", {}).get("desiredNumberScheduled", 0))
    if len(observed.new_pods) >= desired and all(map(says_ready, observed.new_pods)):
        return observed
    return observed.model_copy(update={"events": tuple(await _warnings(client, namespace))})


def selector_of(selector: dict[str, Any]) -> str:
    """A workload's selector as a list of objects is asked for."""
    parts = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for each in selector.get("matchExpressions") or []:
        key, values = each["key"], ",".join(each.get("values") or [])
        parts.append(
            {
                "In": f"{key} in ({values})",
                "NotIn": f"{key} notin ({values})",
                "Exists": key,
                "DoesNotExist": f"!{key}",
            }[each["operator"]]
        )
    return ",".join(parts)


async def _warnings(client: KubeClient, namespace: str) -> list[Object]:
    """The warnings of a namespace, as far as they may be read."""
    path = f"/api/v1/namespaces/{namespace}/events"
    try:
        return (await client.call("GET", path, {"fieldSelector": "type=Warning"}))["items"]
    except ApiException as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        # A container's wait then counts from its pod's start.
        return []
