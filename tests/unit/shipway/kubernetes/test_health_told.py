"""What a workload's health tells in full, and the limits of what it is told by."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shipway.kubernetes.health import became_healthy_at
from tests.support.kube_objects import (
    NOW,
    Object,
    ago,
    condition,
    controller_revision,
    deployment,
    judged,
    of_revision,
    other_kind,
    pod,
    replica_set,
    template,
    waiting,
    warning,
)

NEW = [replica_set(2)]
BOTH = [controller_revision(1), controller_revision(2)]
ROLLING = {"type": "RollingUpdate"}
NO_NODE = "no node takes a pod"
LACKS_ONE = {"updatedReplicas": 1, "availableReplicas": 1}


def without_node(name: str, words: str = "") -> Object:
    told = condition("PodScheduled", 9, "False", message=words)
    return pod(name, ready=False, conditions=[told])


def failed_create(about: str = "web", first: float = 40, last: float = 1, **more: object) -> Object:
    event = warning(about, first, "FailedCreate", "quota")
    return {**event, "lastTimestamp": ago(last), **more}


def refused(*conditions: Object, age: float = 600, events: tuple[Object, ...] = ()) -> str:
    """What is told of a StatefulSet that lacks a pod."""
    workload = other_kind("StatefulSet", 2, ROLLING, conditions=list(conditions), **LACKS_ONE)
    made = [controller_revision(2, age)]
    found = judged(workload, made, [of_revision("a", 2)], list(events))
    return f"{found.state}: {found.reason}"


def test_a_daemon_set_that_was_only_just_made_asks_for_a_pod() -> None:
    workload = other_kind("DaemonSet", 1, ROLLING)
    workload["metadata"]["generation"], workload["status"] = 1, {}
    found = judged(workload, [], [])
    assert (found.state, found.reason) == ("progressing", "the controller has not seen it yet")
    assert (found.updated, found.available, found.desired_replicas) == (0, 0, 1)


def test_counts_that_are_null_are_none() -> None:
    found = judged(deployment(1, updatedReplicas=None, availableReplicas=None), NEW, [pod("a")])
    assert (found.state, found.progress) == ("progressing", (0, 0))


def test_a_paused_deployment_is_healthy_once_it_runs_the_image() -> None:
    found = judged(deployment(spec={"paused": True}), NEW, [pod("a"), pod("b")])
    assert found.state == "healthy"


def test_a_paused_deployment_says_what_is_missing_of_it() -> None:
    found = judged(deployment(spec={"paused": True}, updatedReplicas=1), NEW, [pod("a")])
    assert (found.state, found.reason) == (
        "blocked",
        "the Deployment is paused (spec.paused: true), so that no pod is replaced",
    )
    assert (found.updated, found.available, found.desired_replicas) == (1, 2, 2)


def test_a_failure_tells_pod_container_counts_and_restarts() -> None:
    pods = [pod("a"), waiting("CrashLoopBackOff", 90, 4, "b", "rs2")]
    found = judged(deployment(availableReplicas=1), NEW, pods)
    assert found.model_dump() == {
        "state": "failed",
        "updated": 2,
        "available": 1,
        "desired_replicas": 2,
        "reason": "CrashLoopBackOff: back-off",
        "applied": True,
        "pod": "b",
        "container": "web",
        "restarts": 4,
        "obstacles": (),
    }


def test_the_restarts_of_a_healthy_workload_are_told() -> None:
    status = {"name": "web", "restartCount": 2, "lastState": {}}
    pods = [pod("a", containerStatuses=[status]), pod("b", containerStatuses=[status])]
    found = judged(deployment(), NEW, pods)
    assert (found.state, found.restarts, found.pod) == ("healthy", 4, None)


def test_more_pods_than_are_asked_for_are_not_counted() -> None:
    found = judged(deployment(), NEW, [pod(name) for name in "abc"])
    assert (found.state, found.reason) == ("healthy", "2 of 2 run the image")


def test_the_pod_that_is_waited_for_is_named() -> None:
    pods = [without_node("a", "no cpu"), pod("b", ready=False)]
    found = judged(deployment(availableReplicas=0), NEW, pods)
    assert (found.state, found.pod) == ("progressing", "b")
    assert found.reason == f"0 of 2 ready, 0 of the version before still run; {NO_NODE}: no cpu"


def test_of_pods_that_no_node_takes_each_reason_is_told_once() -> None:
    pods = [
        without_node("a", "no memory"),
        without_node("b", "no cpu"),
        without_node("c", "no cpu"),
    ]
    found = judged(deployment(3, availableReplicas=0), NEW, pods)
    assert (found.state, found.pod) == ("progressing", None)
    assert found.reason == (
        f"0 of 3 ready, 0 of the version before still run; {NO_NODE}: no cpu; {NO_NODE}: no memory"
    )
    assert [each.words for each in found.obstacles] == [
        f"{NO_NODE}: no cpu",
        f"{NO_NODE}: no memory",
    ]


def test_a_deadline_without_words_leaves_what_is_missing() -> None:
    passed = condition("Progressing", 1, "False", reason="ProgressDeadlineExceeded")
    found = judged(deployment(conditions=[passed], **LACKS_ONE), NEW, [pod("a")])
    assert (found.state, found.reason) == (
        "blocked",
        "1 of 2 ready, 0 of the version before still run",
    )


def test_the_words_of_a_deadline_stand_before_those_of_a_refusal() -> None:
    passed = condition(
        "Progressing", 1, "False", reason="ProgressDeadlineExceeded", message="timed out"
    )
    quota = condition("ReplicaFailure", 4, message="quota")
    found = judged(deployment(conditions=[passed, quota], **LACKS_ONE), NEW, [pod("a")])
    assert (found.state, found.reason) == ("blocked", "timed out; ReplicaFailure: quota")


MISSING = "1 of 2 ready, 0 of the version before still run"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (
            condition("ReplicaFailure", 29, message="quota"),
            f"progressing: {MISSING}; ReplicaFailure: quota",
        ),
        (condition("ReplicaFailure", 30, message="quota"), "blocked: ReplicaFailure: quota"),
        (condition("ReplicaFailure", 30), "blocked: ReplicaFailure: "),
        (
            {"type": "ReplicaFailure", "status": "True", "message": "quota"},
            f"progressing: {MISSING}; ReplicaFailure: quota",
        ),
        (condition("ReplicaFailure", 99, "False", message="quota"), f"progressing: {MISSING}"),
    ],
    ids=["29 s", "30 s", "no words", "no time", "over"],
)
def test_a_refusal_holds_once_its_time_is_up(told: Object, words: str) -> None:
    assert refused(told) == words


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([failed_create()], "blocked: FailedCreate: quota"),
        ([failed_create(message="")], "blocked: FailedCreate: "),
        ([failed_create(first=900, last=600)], "blocked: FailedCreate: quota"),
        ([failed_create(first=900, last=601)], f"progressing: {MISSING}"),
        ([failed_create("other")], f"progressing: {MISSING}"),
        ([failed_create(reason="FailedUpdate")], f"progressing: {MISSING}"),
        ([failed_create(firstTimestamp=None)], f"progressing: {MISSING}"),
        ([failed_create(lastTimestamp=None)], f"progressing: {MISSING}"),
        ([failed_create("other"), failed_create()], "blocked: FailedCreate: quota"),
        ([failed_create(first=900, last=601), failed_create()], "blocked: FailedCreate: quota"),
    ],
    ids=[
        "of the workload",
        "without words",
        "as the revision was made",
        "before the revision",
        "of another object",
        "for another reason",
        "without its first time",
        "without its last time",
        "after that of another",
        "after an older one",
    ],
)
def test_the_events_of_the_workload_tell_of_a_refusal_of_its_new_revision(
    events: list[Object], words: str
) -> None:
    assert refused(events=tuple(events)) == words


def test_a_refusal_of_the_revision_before_does_not_count_against_this_one() -> None:
    words = f"progressing: {MISSING}; FailedCreate: quota"
    assert refused(age=20, events=(failed_create(first=900),)) == words


def test_a_refusal_without_words_or_a_known_revision_is_passed_over() -> None:
    event = failed_create()
    del event["message"]
    assert refused(events=(event,)) == "blocked: FailedCreate: "
    workload = other_kind("StatefulSet", 2, ROLLING, **LACKS_ONE)
    assert judged(workload, [], [], [failed_create()]).state == "progressing"
    undated = controller_revision(2)
    del undated["metadata"]["creationTimestamp"]
    assert judged(workload, [undated], [], [failed_create()]).state == "progressing"


@pytest.mark.parametrize(
    "strategy", [{"type": "OnDelete"}, ROLLING | {"rollingUpdate": {"partition": 2}}]
)
def test_a_strategy_that_keeps_nothing_is_not_told(strategy: Object) -> None:
    workload = other_kind("StatefulSet", 2, strategy)
    found = judged(workload, BOTH, [of_revision("a", 2), of_revision("b", 2)])
    assert (found.state, found.reason) == ("healthy", "2 of 2 run the image")


@pytest.mark.parametrize(
    "strategy", [{"type": "OnDelete"}, ROLLING | {"rollingUpdate": {"partition": 5}}]
)
def test_a_strategy_keeps_no_more_pods_than_are_asked_for(strategy: Object) -> None:
    workload = other_kind("StatefulSet", 1, strategy, updatedReplicas=0)
    pods = [of_revision("a", 1), of_revision("b", 1)]
    assert judged(workload, BOTH, pods).state == "progressing"
    assert judged(workload, BOTH, pods[:1]).state == "healthy"


@pytest.mark.parametrize(
    "strategy", [{"type": "OnDelete"}, ROLLING | {"rollingUpdate": {"partition": 2}}]
)
def test_a_pod_that_is_new_already_must_be_ready_beside_those_that_are_kept(
    strategy: Object,
) -> None:
    workload = other_kind("StatefulSet", 2, strategy, updatedReplicas=1, availableReplicas=1)
    pods = [of_revision("a", 1), of_revision("b", 2, ready=False)]
    found = judged(workload, BOTH, pods)
    assert (found.state, found.pod) == ("progressing", "b")
    assert found.reason == "0 of 1 ready, 0 of the version before still run"


def test_an_image_counts_by_its_digest_and_not_by_its_tag() -> None:
    tagged = {"template": template("shop:1@sha256:new")}
    assert judged(deployment(spec=tagged), NEW, [pod("a"), pod("b")]).state == "healthy"


def test_a_container_without_an_image_is_not_applied() -> None:
    nothing = {"template": {"spec": {"containers": [{"name": "web"}]}}}
    assert not judged(deployment(spec=nothing), NEW, []).applied


def test_a_workload_became_healthy_at_no_time_where_its_objects_tell_none() -> None:
    bare: Object = {"status": {"containerStatuses": [{"name": "web"}]}}
    undated: Object = {"status": {"conditions": [{"type": "Available"}]}}
    for workload in ({}, {"status": {}}, undated):
        assert became_healthy_at(workload, [{}, {"status": {}}, bare]) is None


def test_a_workload_became_healthy_when_the_last_of_its_containers_ended() -> None:
    def ended(*seconds: float) -> Object:
        ends = [{"lastState": {"terminated": {"finishedAt": ago(second)}}} for second in seconds]
        return {"status": {"containerStatuses": ends}}

    available = {"status": {"conditions": [condition("Available", 90)]}}
    assert became_healthy_at(available, [ended(50, 30), ended(70)]) == NOW - timedelta(seconds=30)
