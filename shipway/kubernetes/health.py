"""How far a workload has come, judged from the API objects alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from shipway.image_ref import without_tag
from shipway.kubernetes.objects import images_in
from shipway.kubernetes.observed import Observed
from shipway.kubernetes.obstacles import Obstacle, obstacles_of
from shipway.kubernetes.pods import (
    condition_of,
    failing,
    is_ready,
    restarts,
    settling,
    time_of,
    unschedulable,
)
from shipway.kubernetes.rolled_out import completed_at
from shipway.kubernetes.startup import Startup
from shipway.kubernetes.written import written_at

NOT_APPLIED = "the agent has not applied the commit yet"


class Health(BaseModel):
    """The state of one workload on its way to an image.

    Args:
        state: Healthy when every pod that the workload's update strategy replaces runs the image
            and is ready, and no other pod is left; failed when the version is bad; blocked when
            the controller cannot go on, whatever the version.
        updated: Pods of the new template.
        available: Pods that take requests.
        desired_replicas: Pods asked for.
        reason: For people.
        applied: Whether the cluster has been told to run the image.
        pod: The pod that failed, or is not ready yet though a node has it.
        container: The container in it that failed.
        restarts: How often containers of the new pods were started again.
        obstacles: What it waits for, as far as Kubernetes knows; `reason` has their words too.
    """

    model_config = ConfigDict(frozen=True)

    state: Literal["healthy", "progressing", "failed", "blocked"]
    updated: int
    available: int
    desired_replicas: int
    reason: str
    applied: bool = True
    pod: str | None = None
    container: str | None = None
    restarts: int = 0
    obstacles: tuple[Obstacle, ...] = ()

    @property
    def progress(self) -> tuple[int, int]:
        """What must move for the rollout to be getting on."""
        return (self.updated, self.available)


def judge(observed: Observed, images: dict[str, str], startup: Startup, now: datetime) -> Health:
    """Judge a Deployment, StatefulSet or DaemonSet.

    Args:
        observed: The object, and what belongs to it.
        images: The desired image, by digest, of each container that the release sets.
        startup: What a container that starts is forgiven.
        now: The time.
    """
    workload = observed.workload
    spec, status = workload["spec"], workload.get("status", {})
    desired = spec.get("replicas", status.get("desiredNumberScheduled", 1))
    updated = status.get("updatedReplicas", status.get("updatedNumberScheduled")) or 0
    available = status.get("availableReplicas", status.get("numberAvailable")) or 0
    counts: dict[str, Any] = {
        "updated": updated,
        "available": available,
        "desired_replicas": desired,
    }

    if not _asks_for(spec["template"]["spec"], images):
        return Health(state="progressing", reason=NOT_APPLIED, applied=False, **counts)
    new, old = observed.new_pods, observed.old_pods
    counts["restarts"] = sum(map(restarts, new))
    if status.get("observedGeneration", 0) < workload["metadata"]["generation"]:
        return Health(state="progressing", reason="the controller has not seen it yet", **counts)

    if spec.get("paused") and updated < desired:
        reason = "the Deployment is paused (spec.paused: true), so that no pod is replaced"
        return Health(state="blocked", reason=reason, **counts)
    for pod in new:
        if (failure := failing(pod, startup, now, observed.events)) is not None:
            container, reason = failure
            name = pod["metadata"]["name"]
            return Health(state="failed", reason=reason, pod=name, container=container, **counts)

    kept, kept_words = _kept(observed, desired)
    ready = [pod for pod in new if is_ready(pod, startup, now)]
    replaced = desired - kept
    if min(len(ready), updated, available) >= replaced and len(old) <= kept:
        words = f"{min(len(ready), desired)} of {desired} run the image{kept_words}"
        return Health(state="healthy", reason=words, **counts)

    unready = [pod for pod in new if pod not in ready]
    stuck = next((pod for pod in unready if unschedulable(pod) is None), None)
    stuck_name = stuck["metadata"]["name"] if stuck else None
    words = f"{len(ready)} of {replaced} ready, {len(old) - kept} of the version"
    obstacles = obstacles_of(unready, observed.events)
    if (refused := _refused(observed)) is not None:
        since, message = refused
        obstacles.insert(0, Obstacle(words=message))
        if since is not None and now - since >= timedelta(seconds=startup.seconds):
            return Health(state="blocked", reason=message, **counts)
    reasons = [f"{words} before still run", *(obstacle.words for obstacle in obstacles)]
    reasons += sorted({words for pod in unready if (words := settling(pod, startup, now))})[:1]
    deadline = condition_of(workload, "Progressing")
    if deadline.get("reason") == "ProgressDeadlineExceeded":
        reasons[0] = deadline.get("message") or reasons[0]
        state = "failed" if stuck else "blocked"
    else:
        state = "progressing"
    counts["obstacles"] = tuple(obstacles)
    return Health(state=state, reason="; ".join(reasons), pod=stuck_name, **counts)


def became_healthy_at(workload: dict[str, Any], pods: list[dict[str, Any]]) -> datetime | None:
    """When a workload that is healthy became so, as far as its objects tell.

    The latest of: when it was told what its pods are, when it had them all, when it got available,
    and when a container of its pods last ended. Pods that come and go with the load change none.
    """
    ends = [
        (container.get("lastState", {}).get("terminated") or {}).get("finishedAt")
        for pod in pods
        for container in pod.get("status", {}).get("containerStatuses", [])
    ]
    times = [
        written_at(workload, ("spec", "template")),
        completed_at(workload),
        time_of(condition_of(workload, "Available").get("lastTransitionTime")),
        *map(time_of, ends),
    ]
    return max((time for time in times if time is not None), default=None)


def _asks_for(pod: dict[str, Any], images: dict[str, str]) -> bool:
    """Whether a pod's spec has these images, by container."""
    current = {name: without_tag(image) for name, image in images_in(pod).items() if image}
    return images.items() <= current.items()


def _kept(observed: Observed, desired: int) -> tuple[int, str]:
    """How many pods the workload's update strategy leaves as they are, and that in words."""
    old = len(observed.old_pods)
    strategy = observed.workload["spec"].get("updateStrategy") or {}
    partition = (strategy.get("rollingUpdate") or {}).get("partition")
    if old and strategy.get("type") == "OnDelete":
        words = "; updateStrategy OnDelete: each other pod once somebody deletes it"
        return min(old, desired), words
    if old and partition:
        kept = min(old, partition, desired)
        words = f"; partition {partition} of the updateStrategy keeps {kept} as they were"
        return kept, words
    return 0, ""


def _refused(observed: Observed) -> tuple[datetime | None, str] | None:
    """Since when the API server refuses the controller new pods, as by a quota, and its words."""
    for body in (observed.new_revision or {}, observed.workload):
        condition = condition_of(body, "ReplicaFailure")
        if condition.get("status") == "True":
            words = f"ReplicaFailure: {condition.get('message', '')}"
            return time_of(condition.get("lastTransitionTime")), words
    if observed.new_revision is None:
        return None
    # StatefulSets and DaemonSets have no such condition: their events tell.
    metadata = observed.workload["metadata"]
    made = time_of(observed.new_revision["metadata"].get("creationTimestamp"))
    for event in observed.events:
        first, last = time_of(event.get("firstTimestamp")), time_of(event.get("lastTimestamp"))
        ours = event["involvedObject"].get("uid") == metadata["uid"]
        if not ours or event.get("reason") != "FailedCreate" or not (made and first and last):
            continue
        if last >= made:
            return max(first, made), f"FailedCreate: {event.get('message', '')}"
    return None
