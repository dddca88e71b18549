"""Workloads, their revisions and their pods, as the API server tells them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from shipway.kubernetes.health import Health, judge
from shipway.kubernetes.observed import Observed
from shipway.kubernetes.startup import Startup

Object = dict[str, Any]

IMAGE, BEFORE = "shop@sha256:new", "shop@sha256:old"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
REVISION = "deployment.kubernetes.io/revision"
ROLLING = {"type": "RollingUpdate"}
CRASH = "CrashLoopBackOff"
PROBE: Object = {"tcpSocket": {"port": 80}}


def ago(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def template(image: str) -> Object:
    return {"spec": {"containers": [{"name": "web", "image": image}]}}


def owned_by(owner: str, kind: str = "ReplicaSet") -> list[Object]:
    return [{"kind": kind, "uid": owner, "controller": True}]


def deployment(
    replicas: int = 2, revision: int = 2, spec: Object | None = None, **status: Any
) -> Object:
    done = {"observedGeneration": 3, "updatedReplicas": replicas, "availableReplicas": replicas}
    return {
        "kind": "Deployment",
        "metadata": {
            "name": "web",
            "uid": "web",
            "generation": 3,
            "annotations": {REVISION: str(revision)},
        },
        "spec": {"replicas": replicas, "template": template(IMAGE), **(spec or {})},
        "status": done | status,
    }


def replica_set(revision: int, owner: str = "web", **status: Any) -> Object:
    return {
        "metadata": {
            "name": f"web-{revision}",
            "uid": f"rs{revision}",
            "annotations": {REVISION: str(revision)},
            "ownerReferences": owned_by(owner, "Deployment"),
        },
        "status": status,
    }


def other_kind(kind: str, replicas: int, strategy: Object, **status: Any) -> Object:
    names = ("updatedReplicas", "availableReplicas")
    spec: Object = {"replicas": replicas}
    if kind == "DaemonSet":
        names, spec = ("updatedNumberScheduled", "numberAvailable"), {}
        status["desiredNumberScheduled"] = replicas
    done = {"observedGeneration": 3, "updateRevision": "web-2"} | dict.fromkeys(names, replicas)
    return {
        "kind": kind,
        "metadata": {"name": "web", "uid": "web", "generation": 3},
        "spec": spec | {"template": template(IMAGE), "updateStrategy": strategy},
        "status": done | status,
    }


def controller_revision(revision: int, made: float = 600) -> Object:
    return {
        "revision": revision,
        "metadata": {
            "name": f"web-{revision}",
            "ownerReferences": owned_by("web", "any"),
            "labels": {"controller-revision-hash": f"web-{revision}"},
            "creationTimestamp": ago(made),
        },
    }


def pod(
    name: str,
    owner: str | None = "rs2",
    *,
    ready: bool = True,
    age: float = 5,
    labels: Object | None = None,
    **status: Any,
) -> Object:
    owners = {"ownerReferences": owned_by(owner)} if owner else {}
    conditions = [
        {"type": "PodScheduled", "status": "True", "lastTransitionTime": ago(age)},
        {"type": "Initialized", "status": "True", "lastTransitionTime": ago(age)},
        {"type": "Ready", "status": str(ready), "lastTransitionTime": ago(age)},
    ]
    return {
        "metadata": {"name": name, "uid": name, "labels": labels or {}, **owners},
        "spec": {"containers": [{"name": "web", "image": IMAGE, "readinessProbe": PROBE}]},
        "status": {"phase": "Running", "startTime": ago(age), "conditions": conditions} | status,
    }


def of_revision(name: str, revision: int, *, ready: bool = True) -> Object:
    """A pod of a StatefulSet or DaemonSet."""
    labels = {"controller-revision-hash": f"web-{revision}"}
    return pod(name, "web", ready=ready, labels=labels)


def waiting(
    reason: str,
    age: float,
    restarts: int = 0,
    name: str = "a",
    owner: str = "rs2",
    last: Object | None = None,
    statuses: str = "containerStatuses",
) -> Object:
    status = {
        "name": "web",
        "restartCount": restarts,
        "state": {"waiting": {"reason": reason, "message": "back-off"}},
        "lastState": {"terminated": last} if last else {},
    }
    return pod(name, owner, ready=False, age=age, **{statuses: [status]})


def warning(about: str, seconds: float, reason: str = "Failed", message: str = "") -> Object:
    return {
        "involvedObject": {"uid": about, "fieldPath": "spec.containers{web}"},
        "reason": reason,
        "message": message,
        "firstTimestamp": ago(seconds),
        "lastTimestamp": ago(1),
    }


def condition(kind: str, seconds: float, status: str = "True", **more: str) -> Object:
    return {"type": kind, "status": status, "lastTransitionTime": ago(seconds), **more}


def judged(
    workload: Object,
    revisions: list[Object],
    pods: list[Object],
    events: list[Object] | None = None,
    startup: Startup | None = None,
) -> Health:
    observed = Observed(
        workload=workload, revisions=tuple(revisions), pods=tuple(pods), events=tuple(events or ())
    )
    return judge(observed, {"web": IMAGE}, startup or Startup(), NOW)


def judged_set(
    kind: str,
    pods: list[Object],
    strategy: Object = ROLLING,
    replicas: int = 2,
    events: list[Object] | None = None,
    **status: Any,
) -> Health:
    """A StatefulSet or DaemonSet with two revisions, judged."""
    workload = other_kind(kind, replicas, strategy, **status)
    return judged(workload, [controller_revision(1), controller_revision(2)], pods, events)
