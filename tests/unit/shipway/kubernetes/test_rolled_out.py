from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shipway.kubernetes.health import became_healthy_at
from shipway.kubernetes.observed import Observed
from shipway.kubernetes.rolled_out import rolled_out_at
from shipway.kubernetes.startup import Startup
from tests.support.kube_objects import (
    NOW,
    ROLLING,
    Object,
    ago,
    controller_revision,
    deployment,
    of_revision,
    other_kind,
    pod,
    replica_set,
)
from tests.support.managed import CONDITIONS, REPLICAS, SPEC, held

KUBELET = ("kubelet", "status")
HPA = ("kube-controller-manager", "scale")


def complete(seconds: float, reason: str = "NewReplicaSetAvailable") -> Object:
    """What a Deployment says of its rollout."""
    times = {"lastTransitionTime": ago(9999), "lastUpdateTime": ago(seconds)}
    return {"type": "Progressing", "status": "True", "reason": reason, **times}


def ready(name: str, seconds: float, *, owner: str = "rs2", **status: Any) -> Object:
    """A pod whose status has not changed for so long."""
    return held(pod(name, owner, **status), seconds, CONDITIONS, *KUBELET)


def rolled_out(workload: Object, *pods: Object, startup: Startup | None = None) -> float | None:
    """How many seconds ago."""
    revision = replica_set if workload["kind"] == "Deployment" else controller_revision
    observed = Observed(workload=workload, revisions=(revision(1), revision(2)), pods=pods)
    found = rolled_out_at(observed, startup or Startup())
    return None if found is None else (NOW - found).total_seconds()


def told(seconds: float, *conditions: Object, **spec: Any) -> Object:
    """A Deployment whose spec was written so long ago."""
    return held(deployment(spec=spec, conditions=[*conditions]), seconds, SPEC)


def test_a_deployment_says_itself_when_its_rollout_was_complete() -> None:
    workload = told(100, complete(60))
    assert rolled_out(workload, ready("a", 70), ready("b", 60)) == 60


def test_pods_that_came_later_change_nothing_about_it() -> None:
    scaled = held(told(100, complete(60)), 5, REPLICAS, *HPA)
    assert rolled_out(scaled, ready("a", 70), ready("b", 60), ready("c", 3)) == 60
    # One of them went with its node.
    assert rolled_out(told(100, complete(60)), ready("a", 70), ready("b", 2)) == 60


@pytest.mark.parametrize(
    "conditions",
    [(), (complete(500),), (complete(100),), (complete(40, "ReplicaSetUpdated"),)],
    ids=["silent", "of the template before", "of the same second", "not complete"],
)
def test_where_a_deployment_does_not_say_so_its_pods_do(conditions: tuple[Object, ...]) -> None:
    assert rolled_out(told(100, *conditions), ready("a", 70), ready("b", 50)) == 50


def test_pods_of_the_version_before_and_those_that_go_say_nothing() -> None:
    going = ready("c", 3)
    going["metadata"]["deletionTimestamp"] = ago(1)
    before = ready("b", 5, owner="rs1")
    assert rolled_out(told(100), ready("a", 70), before, going) == 70


def test_pods_that_were_ready_before_they_were_asked_for_count_from_then() -> None:
    assert rolled_out(told(30), ready("a", 700), ready("b", 600)) == 30


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_of_other_kinds_the_pods_tell(kind: str) -> None:
    workload = held(other_kind(kind, 2, ROLLING), 100, SPEC)
    new = [
        held(of_revision(name, 2), age, CONDITIONS, *KUBELET)
        for name, age in (("a", 70), ("b", 50))
    ]
    kept = held(of_revision("c", 1), 2, CONDITIONS, *KUBELET)
    assert rolled_out(workload, *new, kept) == 50


def test_none_of_no_pods_are_ready_at_once() -> None:
    assert rolled_out(held(deployment(0), 100, SPEC)) == 100


def test_the_time_that_pods_must_stay_up_is_over_before_that() -> None:
    assert rolled_out(told(100, minReadySeconds=20), ready("a", 70)) == 50
    running = {"name": "web", "state": {"running": {"startedAt": ago(70)}}}
    unprobed = ready("a", 70, containerStatuses=[running])
    del unprobed["spec"]["containers"][0]["readinessProbe"]
    assert rolled_out(told(100, complete(60)), unprobed) == 50
    assert rolled_out(told(100), unprobed) == 60
    assert rolled_out(told(100), unprobed, startup=Startup(min_ready_seconds=30)) == 40
    for made, seconds in ((70, 50), (60, 50), (59, 60)):
        unprobed["metadata"]["creationTimestamp"] = ago(made)
        assert rolled_out(told(100, complete(60)), unprobed) == seconds


def test_what_does_not_tell_is_no_time() -> None:
    assert rolled_out(deployment(conditions=[complete(60)]), ready("a", 70)) is None
    assert rolled_out(told(100), ready("a", 70), pod("b")) is None


def test_a_version_that_came_late_is_healthy_since_then() -> None:
    available = {"type": "Available", "status": "True", "lastTransitionTime": ago(5000)}
    workload = told(100, available)
    assert became_healthy_at(workload, []) == NOW - timedelta(seconds=100)
    workload = told(100, available, complete(60))
    assert became_healthy_at(workload, [ready("c", 3)]) == NOW - timedelta(seconds=60)
