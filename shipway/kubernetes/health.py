"""How far a workload has come, judged from the API objects alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from shipway.image_ref import without_tag
from shipway.kubernetes.objects import images_in

# Waiting reasons that do not mend themselves. ErrImagePull and the like come first and pass.
HOPELESS = frozenset(
    {
        "ImagePullBackOff",
        "ErrImageNeverPull",
        "InvalidImageName",
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
    }
)

NOT_APPLIED = "the agent has not applied the commit yet"


class Health(BaseModel):
    """The state of one workload on its way to an image.

    Args:
        state: Healthy when every desired pod runs the image and is ready, and no other pod is left.
        updated: Pods of the new template.
        available: Pods that take requests.
        desired_replicas: Pods asked for.
        reason: For people.
        applied: Whether the cluster has been told to run the image.
        pod: The pod that failed, if one did.
        container: The container in it.
        restarts: How often containers of pods that run the image were started again.
    """

    model_config = ConfigDict(frozen=True)

    state: Literal["healthy", "progressing", "failed"]
    updated: int
    available: int
    desired_replicas: int
    reason: str
    applied: bool = True
    pod: str | None = None
    container: str | None = None
    restarts: int = 0

    @property
    def progress(self) -> tuple[int, int]:
        """What must move for the rollout to be getting on."""
        return (self.updated, self.available)


def judge(workload: dict[str, Any], pods: list[dict[str, Any]], images: dict[str, str]) -> Health:
    """Judge a Deployment, StatefulSet or DaemonSet.

    Args:
        workload: The object.
        pods: The pods that its selector matches.
        images: The desired image, by digest, of each container that the release sets.
    """
    spec, status = workload["spec"], workload.get("status", {})
    desired = spec.get("replicas", status.get("desiredNumberScheduled", 1))
    updated = status.get("updatedReplicas", status.get("updatedNumberScheduled", 0)) or 0
    available = status.get("availableReplicas", status.get("numberAvailable", 0)) or 0
    counts: dict[str, Any] = {
        "updated": updated,
        "available": available,
        "desired_replicas": desired,
    }

    if not _asks_for(spec["template"]["spec"], images):
        return Health(state="progressing", reason=NOT_APPLIED, applied=False, **counts)
    new = [pod for pod in pods if _asks_for(pod["spec"], images)]
    counts["restarts"] = sum(map(_restarts, new))
    for pod in new:
        if (failure := hopeless(pod)) is not None:
            container, reason = failure
            name = pod["metadata"]["name"]
            return Health(state="failed", reason=reason, pod=name, container=container, **counts)
    if status.get("observedGeneration", 0) < workload["metadata"]["generation"]:
        return Health(state="progressing", reason="the controller has not seen it yet", **counts)
    for condition in status.get("conditions", []):
        if condition.get("reason") == "ProgressDeadlineExceeded":
            stuck = next((pod["metadata"]["name"] for pod in new if not _is_ready(pod)), None)
            reason = condition.get("message", "")
            return Health(state="failed", reason=reason, pod=stuck, **counts)
    old = [pod for pod in pods if pod not in new and not _is_over(pod)]
    ready = [pod for pod in new if _is_ready(pod)]
    if min(len(ready), updated, available) >= desired and not old:
        return Health(state="healthy", reason=f"{desired} of {desired} run the image", **counts)
    reason = f"{len(ready)} of {desired} ready, {len(old)} of the version before still run"
    return Health(state="progressing", reason=reason, **counts)


def became_healthy_at(workload: dict[str, Any], pods: list[dict[str, Any]]) -> datetime | None:
    """When a workload that is healthy became so, as far as its objects tell.

    The latest of: when it got available, and when a container of its pods last ended. Pods that
    come and go with the load change neither.
    """
    times = [
        condition.get("lastTransitionTime")
        for condition in workload.get("status", {}).get("conditions", [])
        if condition["type"] == "Available"
    ]
    times += [
        (container.get("lastState", {}).get("terminated") or {}).get("finishedAt")
        for pod in pods
        for container in pod.get("status", {}).get("containerStatuses", [])
    ]
    return max((datetime.fromisoformat(time) for time in times if time), default=None)


def _asks_for(pod: dict[str, Any], images: dict[str, str]) -> bool:
    """Whether a pod's spec has these images, by container."""
    current = images_in(pod)
    return all(without_tag(current.get(name) or "") == image for name, image in images.items())


def _is_over(pod: dict[str, Any]) -> bool:
    """Whether a pod takes no more requests: it is going, or was evicted or ended."""
    phase = pod.get("status", {}).get("phase")
    return bool(pod["metadata"].get("deletionTimestamp")) or phase in {"Failed", "Succeeded"}


def _is_ready(pod: dict[str, Any]) -> bool:
    """Whether a pod takes requests."""
    conditions = pod.get("status", {}).get("conditions", [])
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return ready and not _is_over(pod)


def _restarts(pod: dict[str, Any]) -> int:
    """How often a pod's containers were started again."""
    statuses = pod.get("status", {}).get("containerStatuses", [])
    return sum(int(container.get("restartCount", 0)) for container in statuses)


def hopeless(pod: dict[str, Any]) -> tuple[str, str] | None:
    """A container of a pod that will not start by waiting, and why."""
    status = pod.get("status", {})
    statuses = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    for container in statuses:
        waiting = container.get("state", {}).get("waiting") or {}
        if waiting.get("reason") in HOPELESS:
            return container["name"], f"{waiting['reason']}: {waiting.get('message', '')}"
    return None
