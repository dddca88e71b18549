from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from shipway.kubernetes import health
from shipway.kubernetes.health import NOT_APPLIED, Health, became_healthy_at
from shipway.kubernetes.observed import Observed
from shipway.kubernetes.startup import NO_TOLERANCE

OLD, NEW = "shop@sha256:old", "shop@sha256:new"
WANTED = {"web": NEW}
FAILURES = ("CrashLoopBackOff", "CreateContainerError", "ImagePullBackOff", "RunContainerError")


def judge(workload: dict[str, Any], pods: list[dict[str, Any]], images: dict[str, str]) -> Health:
    """Judge at once; a pod with the old image is of the revision before."""
    revisions: list[dict[str, Any]] = []
    key = "deployment.kubernetes.io/revision"
    for number, uid in enumerate((OLD, NEW), 1):
        owner = [{"uid": "shop", "controller": True}]
        metadata = {"uid": uid, "name": uid, "ownerReferences": owner}
        metadata |= {"annotations": {key: str(number)}}
        metadata |= {"labels": {"controller-revision-hash": uid}}
        revisions.append({"revision": number, "metadata": metadata})
    workload["metadata"] |= {"uid": "shop", "annotations": {key: "2"}}
    for each in pods:
        image = each["spec"]["containers"][0]["image"]
        if each["spec"].get("initContainers", [{"image": NEW}])[0]["image"] == OLD:
            image = OLD
        owner = "shop" if workload["kind"] == "DaemonSet" else image
        each["metadata"]["ownerReferences"] = [{"uid": owner, "controller": True}]
        each["metadata"]["labels"] = {"controller-revision-hash": image}
    observed = Observed(workload=workload, revisions=tuple(revisions), pods=tuple(pods))
    return health.judge(observed, images, NO_TOLERANCE, datetime.now(UTC))


def deployment(image: str = NEW, replicas: int = 2, **status: Any) -> dict[str, Any]:
    done = {
        "observedGeneration": 3,
        "updatedReplicas": replicas,
        "availableReplicas": replicas,
        "conditions": [{"type": "Progressing", "status": "True", "reason": "NewReplicaSet"}],
    }
    return {
        "kind": "Deployment",
        "metadata": {"name": "shop", "generation": 3},
        "spec": {
            "replicas": replicas,
            "template": {"spec": {"containers": [{"name": "web", "image": image}]}},
        },
        "status": done | status,
    }


def pod(name: str, image: str = NEW, *, ready: bool = True, **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, **metadata},
        "spec": {"containers": [{"name": "web", "image": image}]},
        "status": {"conditions": [{"type": "Ready", "status": "True" if ready else "False"}]},
    }


def waiting(name: str, reason: str, image: str = NEW, kind: str = "container") -> dict[str, Any]:
    found = pod(name, image, ready=False)
    state = {"waiting": {"reason": reason, "message": "back-off"}}
    found["status"][f"{kind}Statuses"] = [
        {"name": "sidecar", "state": {"running": {}}},
        {"name": "web", "state": state},
    ]
    return found


def test_a_workload_is_healthy_when_every_pod_runs_the_image_and_is_ready() -> None:
    assert judge(deployment(), [pod("a"), pod("b")], WANTED) == Health(
        state="healthy", updated=2, available=2, desired_replicas=2, reason="2 of 2 run the image"
    )


def test_a_workload_scaled_to_nothing_is_healthy() -> None:
    assert judge(deployment(replicas=0), [], WANTED).state == "healthy"


def test_a_commit_that_was_not_applied_is_told_apart() -> None:
    found = judge(deployment(OLD), [pod("a", OLD), pod("b", OLD)], WANTED)
    assert (found.state, found.applied, found.reason) == ("progressing", False, NOT_APPLIED)


def test_a_container_that_the_workload_does_not_have_is_not_applied() -> None:
    assert not judge(deployment(), [pod("a")], {"web": NEW, "job": NEW}).applied


def test_only_the_images_that_the_release_sets_count() -> None:
    workload = deployment()
    workload["spec"]["template"]["spec"]["containers"].append({"name": "proxy", "image": "x"})
    assert judge(workload, [pod("a"), pod("b")], WANTED).state == "healthy"


def test_an_init_container_counts_like_any_other() -> None:
    workload, one = deployment(replicas=1), pod("a")
    for spec in (workload["spec"]["template"]["spec"], one["spec"]):
        spec["initContainers"] = [{"name": "migrate", "image": NEW}]
    wanted = {"web": NEW, "migrate": NEW}
    assert judge(workload, [one], wanted).state == "healthy"
    one["spec"]["initContainers"][0]["image"] = OLD
    assert (
        judge(workload, [one], wanted).reason == "0 of 1 ready, 1 of the version before still run"
    )


@pytest.mark.parametrize(
    ("pods", "status", "reason"),
    [
        ([pod("a")], {}, "1 of 2 ready, 0 of the version before still run"),
        (
            [pod("a"), pod("b", ready=False)],
            {},
            "1 of 2 ready, 0 of the version before still run",
        ),
        (
            [pod("a"), pod("b"), pod("c", OLD)],
            {},
            "2 of 2 ready, 1 of the version before still run",
        ),
        (
            [pod("a"), pod("b", deletionTimestamp="now")],
            {},
            "1 of 2 ready, 0 of the version before still run",
        ),
        (
            [pod("a"), pod("b")],
            {"updatedReplicas": 1},
            "2 of 2 ready, 0 of the version before still run",
        ),
        (
            [pod("a"), pod("b")],
            {"availableReplicas": None},
            "2 of 2 ready, 0 of the version before still run",
        ),
        ([pod("a"), pod("b")], {"observedGeneration": 2}, "the controller has not seen it yet"),
    ],
    ids=[
        "a pod is missing",
        "a pod is not ready",
        "an old pod is left",
        "a ready pod is going away",
        "the controller counts fewer",
        "none is available long enough",
        "the status is of an older generation",
    ],
)
def test_a_workload_on_its_way_tells_what_is_missing(
    pods: list[dict[str, Any]], status: dict[str, Any], reason: str
) -> None:
    found = judge(deployment(**status), pods, WANTED)
    assert (found.state, found.reason, found.applied) == ("progressing", reason, True)


def test_an_old_pod_that_is_going_away_is_not_waited_for() -> None:
    pods = [pod("a"), pod("b"), pod("c", OLD, deletionTimestamp="now")]
    assert judge(deployment(), pods, WANTED).state == "healthy"


@pytest.mark.parametrize("phase", ["Failed", "Succeeded"])
def test_an_old_pod_that_has_ended_is_not_waited_for(phase: str) -> None:
    evicted = pod("c", OLD, ready=False)
    evicted["status"]["phase"] = phase
    assert judge(deployment(), [pod("a"), pod("b"), evicted], WANTED).state == "healthy"


@pytest.mark.parametrize("reason", FAILURES)
@pytest.mark.parametrize("kind", ["container", "initContainer"])
def test_a_new_pod_that_cannot_mend_itself_fails_the_rollout(reason: str, kind: str) -> None:
    pods = [pod("a"), waiting("b", reason, kind=kind)]
    found = judge(deployment(availableReplicas=1), pods, WANTED)
    assert found == Health(
        state="failed",
        updated=2,
        available=1,
        desired_replicas=2,
        reason=f"{reason}: back-off",
        pod="b",
        container="web",
    )


@pytest.mark.parametrize("reason", ["ContainerCreating", "PodInitializing", "ErrImagePull"])
def test_a_new_pod_that_waits_for_what_may_come_is_waited_for(reason: str) -> None:
    assert judge(deployment(), [pod("a"), waiting("b", reason)], WANTED).state == "progressing"


def test_an_old_pod_that_fails_does_not_fail_the_rollout() -> None:
    pods = [pod("a"), waiting("b", "CrashLoopBackOff", OLD)]
    assert judge(deployment(), pods, WANTED).state == "progressing"


def test_a_rollout_past_its_deadline_fails_with_the_pod_that_is_stuck() -> None:
    condition = {
        "type": "Progressing",
        "reason": "ProgressDeadlineExceeded",
        "message": "has timed out",
    }
    workload = deployment(updatedReplicas=1, conditions=[condition])
    found = judge(workload, [pod("a"), pod("b", ready=False), pod("c", OLD)], WANTED)
    assert (found.state, found.reason, found.pod) == ("failed", "has timed out", "b")


def test_a_daemon_set_is_counted_by_its_own_names() -> None:
    workload = deployment() | {"kind": "DaemonSet"}
    del workload["spec"]["replicas"]
    workload["status"] = {
        "observedGeneration": 3,
        "desiredNumberScheduled": 3,
        "updatedNumberScheduled": 3,
        "numberAvailable": 3,
    }
    pods = [pod(name) for name in "abc"]
    assert judge(workload, pods, WANTED) == Health(
        state="healthy", updated=3, available=3, desired_replicas=3, reason="3 of 3 run the image"
    )
    assert judge(workload, pods[:2], WANTED).state == "progressing"


def test_a_workload_without_status_is_only_just_there() -> None:
    workload = deployment()
    del workload["status"]
    found = judge(workload, [], WANTED)
    assert (found.state, found.updated, found.available) == ("progressing", 0, 0)


def test_progress_is_made_of_updated_and_available_pods() -> None:
    found = judge(deployment(updatedReplicas=1, availableReplicas=2), [], WANTED)
    assert found.progress == (1, 2)


def container(**last: object) -> dict[str, Any]:
    return {"status": {"containerStatuses": [{"name": "web", "lastState": dict(last)}]}}


def test_a_workload_is_became_healthy_at_it_got_available_or_a_container_last_ended() -> None:
    began, ended = "2026-11-24T10:00:00Z", "2026-11-24T11:30:00Z"
    conditions = [
        {"type": "Available", "status": "True", "lastTransitionTime": began},
        {"type": "Progressing", "status": "True", "lastTransitionTime": "2026-11-24T12:00:00Z"},
    ]
    available = {"status": {"conditions": conditions}}
    restarted = container(terminated={"finishedAt": ended, "exitCode": 1})
    assert became_healthy_at(available, [container()]) == datetime(2026, 11, 24, 10, tzinfo=UTC)
    assert became_healthy_at(available, [container(), restarted]) == datetime(
        2026, 11, 24, 11, 30, tzinfo=UTC
    )
    assert became_healthy_at({}, [{"status": {}}]) is None
