"""What one pod says of itself: whether it is over, is ready, or fails to start."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from shipway.kubernetes.startup import NO_TOLERANCE, Startup

# What every container waits for before it runs.
STARTING = frozenset({"ContainerCreating", "PodInitializing"})
CRASH_LOOP = "CrashLoopBackOff"
# A container that waits for these reasons gets on; the others count as failures.
_GETS_ON = STARTING | {"ErrImagePull"}
# Those that only another spec mends.
_FINAL = frozenset({"ErrImageNeverPull", "InvalidImageName"})
# By how much a container must outlive its run before this one to count as ready: the times that
# Kubernetes tells are whole seconds.
_OUTLIVES = timedelta(seconds=2)
# Kubernetes calls a container with one of them ready only after the probe has seen it.
_PROBES = frozenset({"readinessProbe", "startupProbe"})

Object = dict[str, Any]


def is_over(pod: Object) -> bool:
    """Whether a pod takes no more requests: it is going, or was evicted or ended."""
    phase = pod.get("status", {}).get("phase")
    return bool(pod["metadata"].get("deletionTimestamp")) or phase in {"Failed", "Succeeded"}


def is_ready(pod: Object, startup: Startup, now: datetime) -> bool:
    """Whether a pod that is not over takes requests, and keeps its containers up this time."""
    return says_ready(pod) and settling(pod, startup, now) is None


def settling(pod: Object, startup: Startup, now: datetime) -> str | None:
    """Which container of a pod that says it is ready has yet to stay up, for how long and why."""
    if not says_ready(pod):
        return None
    for status in pod["status"].get("containerStatuses", []):
        needed, why = _must_stay_up(pod, status, startup)
        running = time_of((status.get("state", {}).get("running") or {}).get("startedAt"))
        if needed and (running is None or now - running < needed):
            return f"{status['name']} must stay up for {needed.total_seconds():g} s, as it {why}"
    return None


def must_stay_ready(pod: Object, startup: Startup) -> timedelta:
    """For how long a pod must be ready before each of its containers counts as up."""
    statuses = pod["status"].get("containerStatuses", [])
    needed = (_must_stay_up(pod, status, startup)[0] for status in statuses)
    return max(needed, default=timedelta())


def restarts(pod: Object) -> int:
    """How often a pod's containers were started again."""
    statuses = pod.get("status", {}).get("containerStatuses", [])
    return sum(int(container.get("restartCount", 0)) for container in statuses)


def unschedulable(pod: Object) -> str | None:
    """Why no node takes a pod."""
    condition = condition_of(pod, "PodScheduled")
    return condition.get("message", "") if condition.get("status") == "False" else None


def hopeless(pod: Object) -> tuple[str, str] | None:
    """A container of a pod that fails to start, and why, for pods that nothing is forgiven."""
    return failing(pod, NO_TOLERANCE, datetime.now(UTC), ())


def failing(
    pod: Object, startup: Startup, now: datetime, events: Sequence[Object]
) -> tuple[str, str] | None:
    """A container of a pod that is forgiven no more, and why.

    Args:
        pod: The pod.
        startup: What is forgiven.
        now: The time.
        events: Warnings of the namespace, which tell since when a container waits.
    """
    for status in statuses_of(pod):
        reason = _failure(status)
        if reason is None:
            continue
        since = _since(pod, status, reason, events)
        lasts = startup.seconds == 0 or (
            since is not None and now - since >= timedelta(seconds=startup.seconds)
        )
        if reason == CRASH_LOOP:
            often = status.get("restartCount", 0) >= startup.restarts
            bad = (often and lasts) or _was_ready(pod, status, startup)
        else:
            bad = reason in _FINAL or lasts
        if bad:
            message = status["state"]["waiting"].get("message", "")
            return status["name"], f"{reason}: {message}"
    return None


def time_of(value: str | None) -> datetime | None:
    """A time as Kubernetes writes it."""
    return datetime.fromisoformat(value) if value else None


def statuses_of(pod: Object) -> list[Object]:
    """What is told of each container, the init containers first."""
    status = pod.get("status", {})
    return [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]


def _failure(status: Object) -> str | None:
    """The reason a container waits for, unless it is one that every container waits for."""
    reason = (status.get("state", {}).get("waiting") or {}).get("reason")
    return None if not reason or reason in _GETS_ON else str(reason)


def _since(pod: Object, status: Object, reason: str, events: Sequence[Object]) -> datetime | None:
    """Since when a container fails to start, as far as Kubernetes tells.

    An image may take long before its pull fails: the first warning tells better than the pod's
    start. A crash loop began with the container's start.
    """
    uid, name = pod["metadata"].get("uid"), status["name"]
    warned = [
        time_of(event.get("firstTimestamp") or event.get("eventTime"))
        for event in events
        if event["involvedObject"].get("uid") == uid
        and f"{{{name}}}" in event["involvedObject"].get("fieldPath", "")
    ]
    times = [time for time in warned if time is not None]
    if times and reason != CRASH_LOOP:
        return min(times)
    is_init = status in pod["status"].get("initContainerStatuses", [])
    initialized = {} if is_init else condition_of(pod, "Initialized")
    begun = initialized.get("lastTransitionTime") if initialized.get("status") == "True" else None
    return time_of(begun or pod["status"].get("startTime"))


def _was_ready(pod: Object, status: Object, startup: Startup) -> bool:
    """Whether a container that ended had been ready, for longer than one that fails to start."""
    began, ended = _last_run(status)
    changed = time_of(condition_of(pod, "Ready").get("lastTransitionTime"))
    return (
        began is not None
        and ended is not None
        and changed is not None
        and changed > began
        and ended - began >= timedelta(seconds=startup.seconds)
    )


def says_ready(pod: Object) -> bool:
    """Whether Kubernetes calls a pod ready."""
    return condition_of(pod, "Ready").get("status") == "True"


def _must_stay_up(pod: Object, status: Object, startup: Startup) -> tuple[timedelta, str]:
    """For how long a container must run to count as up, and why."""
    began, ended = _last_run(status)
    outlive = timedelta()
    if began is not None and ended is not None:
        outlive = min(ended - began, timedelta(seconds=startup.seconds)) + _OUTLIVES
    settle = (
        timedelta() if _is_probed(pod, status) else timedelta(seconds=startup.min_ready_seconds)
    )
    return max((outlive, "ended before"), (settle, "has no readinessProbe"))


def _is_probed(pod: Object, status: Object) -> bool:
    """Whether a probe sees a container before Kubernetes calls it ready."""
    containers = pod["spec"]["containers"]
    return any(
        each["name"] == status["name"] and not _PROBES.isdisjoint(each) for each in containers
    )


def _last_run(status: Object) -> tuple[datetime | None, datetime | None]:
    """When a container's run before this one began and ended."""
    last = status.get("lastState", {}).get("terminated") or {}
    return time_of(last.get("startedAt")), time_of(last.get("finishedAt"))


def condition_of(body: Object, kind: str) -> Object:
    """One of an object's conditions; empty without it."""
    conditions = body.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] == kind), {})
