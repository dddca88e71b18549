"""What keeps a pod from being ready, in the words of Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from shipway.kubernetes.pods import (
    CRASH_LOOP,
    STARTING,
    Object,
    says_ready,
    statuses_of,
    time_of,
    unschedulable,
)

# Warnings of what a pod's own status tells better.
_IN_STATUS = frozenset({"BackOff", "Failed", "FailedScheduling"})
# Addresses, ports and counts differ from one time to the next; a status tells reasons apart.
_NUMBER = re.compile(r"(?<!code: )(?<!code )\b\d+\b")
_MADE_NAME = re.compile(r'pods "[^"]*"')
_PULL = "ErrImagePull"
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
# Kubernetes merges warnings that are alike, and says so before the words of the last one.
_MERGED = "(combined from similar events): "


class Obstacle(BaseModel):
    """Something that a workload waits for.

    Attributes:
        words: For people.
        pod: The pod whose container ended; None where none did.
        container: That container, whose log tells more.
    """

    model_config = ConfigDict(frozen=True)

    words: str
    pod: str | None = None
    container: str | None = None

    @property
    def key(self) -> str:
        """Equal for one reason, whatever numbers and generated names its words have."""
        return _NUMBER.sub("0", _MADE_NAME.sub("pods", self.words))


def obstacles_of(pods: Iterable[Object], events: Sequence[Object]) -> list[Obstacle]:
    """What pods that are not ready wait for, each reason once.

    Args:
        pods: The pods.
        events: Warnings of the namespace.
    """
    found = (_obstacle_of(pod, events) for pod in pods)
    by_key = {each.key: each for each in found if each is not None}
    return [by_key[key] for key in sorted(by_key)]


def _obstacle_of(pod: Object, events: Sequence[Object]) -> Obstacle | None:
    """What a pod waits for; None where Kubernetes complains of nothing.

    What a container does now counts before why its run before this one ended. A pod that says that
    it is ready waits for nothing else: it has to stay so.
    """
    if says_ready(pod):
        return _ended_before(pod)
    if (words := unschedulable(pod)) is not None:
        return Obstacle(words=f"no node takes a pod: {words}")
    return _not_running(pod) or _warning(pod, events) or _ended_before(pod)


def _not_running(pod: Object) -> Obstacle | None:
    """A container that cannot start, or that ended."""
    for status in statuses_of(pod):
        state, last = status.get("state", {}), status.get("lastState", {})
        waiting = state.get("waiting") or {}
        reason, message = waiting.get("reason"), waiting.get("message", "")
        ended = state.get("terminated") or (reason == CRASH_LOOP and last.get("terminated"))
        if ended and not _has_done_its_work(pod, status):
            return _end(pod, status, ended)
        if reason in STARTING or not reason:
            continue
        if f"{_PULL}: " in message:
            # While it waits for the next attempt, it tells why the last one failed.
            reason, message = _PULL, message.rpartition(f"{_PULL}: ")[2]
        return Obstacle(words=f"container {status['name']}: {reason}: {message}")
    return None


def _warning(pod: Object, events: Sequence[Object]) -> Obstacle | None:
    """A pod's latest warning, unless a container has started since: then it is out of date.

    What a probe says is told nowhere else.
    """
    ours = [
        event
        for event in events
        if event["involvedObject"].get("uid") == pod["metadata"].get("uid")
        and event.get("reason") not in _IN_STATUS
    ]
    latest = max(ours, key=_told_at, default=None)
    if latest is None or _told_at(latest) < _last_start(pod):
        return None
    path = latest["involvedObject"].get("fieldPath", "")
    container = path.partition("{")[2].removesuffix("}")
    who = f"container {container}" if container else latest.get("reason", "")
    message = latest.get("message", "").removeprefix(_MERGED).strip()
    return Obstacle(words=f"{who}: {message}")


def _ended_before(pod: Object) -> Obstacle | None:
    """A container that ended, and runs again."""
    for status in statuses_of(pod):
        ended = status.get("lastState", {}).get("terminated")
        if ended and status.get("state", {}).get("running"):
            return _end(pod, status, ended)
    return None


def _end(pod: Object, status: Object, ended: Object) -> Obstacle:
    name, reason = status["name"], ended.get("reason", "Error")
    why = "" if reason in {"Completed", "Error"} else f", {reason}"
    return Obstacle(
        words=f"container {name} ended with exit code {ended.get('exitCode')}{why}",
        pod=pod["metadata"]["name"],
        container=name,
    )


def _has_done_its_work(pod: Object, status: Object) -> bool:
    """Whether a container is an init container that ended well."""
    ended = status.get("state", {}).get("terminated") or {}
    return ended.get("exitCode") == 0 and status in pod["status"].get("initContainerStatuses", [])


def _last_start(pod: Object) -> datetime:
    """When the latest of a pod's containers started."""
    runs = ((status.get("state", {}).get("running") or {}) for status in statuses_of(pod))
    starts = (time_of(run.get("startedAt")) for run in runs)
    return max((start for start in starts if start), default=_LONG_AGO)


def _told_at(event: Object) -> datetime:
    """When a warning was given last: recorders of Kubernetes write that in three places."""
    series = event.get("series") or {}
    told = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return time_of(told) or _LONG_AGO
