"""What pods wait for, as their status and the warnings about them tell."""

from __future__ import annotations

from typing import Any

import pytest

from shipway.kubernetes.obstacles import Obstacle, obstacles_of
from tests.support.kube_objects import Object, ago, condition, pod, waiting, warning

REFUSED = "Readiness probe failed: HTTP probe failed with statuscode: 503"
UNPULLED = 'rpc error: code = NotFound desc = "shop@sha256:1" not found'
ENDED: Object = {"exitCode": 3, "reason": "Error"}


def words(*pods: Object, events: tuple[Object, ...] = ()) -> list[str]:
    return [obstacle.words for obstacle in obstacles_of(pods, events)]


def running(seconds: float = 10, last: Object | None = None, **more: Any) -> Object:
    """A pod whose container runs and is not ready."""
    status = {
        "name": "web",
        "state": {"running": {"startedAt": ago(seconds)}},
        "lastState": {"terminated": last} if last else {},
    }
    return pod("a", ready=False, containerStatuses=[status], **more)


def ended(state: Object, kind: str = "containerStatuses") -> Object:
    statuses: Any = {kind: [{"name": "web", "state": {"terminated": state}}]}
    return pod("a", ready=False, **statuses)


def held(reason: str, message: str = "") -> Object:
    one = waiting(reason, 5)
    one["status"]["containerStatuses"][0]["state"]["waiting"]["message"] = message
    return one


def unhealthy(seconds: float = 1, message: str = REFUSED, about: str = "a") -> Object:
    event = warning(about, 60, "Unhealthy", message)
    return event | {"lastTimestamp": ago(seconds)}


def test_a_probe_that_fails_is_told_by_the_warning_about_the_pod() -> None:
    assert words(running(), events=(unhealthy(),)) == [f"container web: {REFUSED}"]
    merged = unhealthy(message=f"(combined from similar events): {REFUSED}")
    assert words(running(), events=(merged,)) == [f"container web: {REFUSED}"]


@pytest.mark.parametrize(
    "event",
    [
        unhealthy(about="of-before"),
        unhealthy(seconds=11),
        warning("a", 1, "BackOff", "back-off"),
        {**unhealthy(), "lastTimestamp": None},
    ],
    ids=["of another pod", "before its container started", "in its status", "of no time"],
)
def test_a_warning_that_says_nothing_of_now_is_left_out(event: Object) -> None:
    assert words(running(), events=(event,)) == []


@pytest.mark.parametrize("place", ["series", "eventTime"])
def test_the_latest_warning_counts_wherever_its_time_stands(place: str) -> None:
    told = {"series": {"series": {"lastObservedTime": ago(1)}}, "eventTime": {"eventTime": ago(1)}}
    later = {**unhealthy(message="later"), "lastTimestamp": None, **told[place]}
    assert words(running(), events=(later, unhealthy(5))) == ["container web: later"]


def test_a_warning_about_no_container_bears_its_reason() -> None:
    event = {**warning("a", 1, "FailedMount", 'configmap "x" not found'), "involvedObject": {}}
    event["involvedObject"] = {"uid": "a"}
    one = held("ContainerCreating")
    assert words(one, events=(event,)) == ['FailedMount: configmap "x" not found']


def test_a_pod_that_no_node_takes_says_why() -> None:
    told = condition("PodScheduled", 9, "False", message="1 Insufficient cpu.")
    one = pod("a", ready=False, conditions=[told])
    assert words(one) == ["no node takes a pod: 1 Insufficient cpu."]


@pytest.mark.parametrize(
    ("reason", "message", "told"),
    [
        ("ErrImagePull", UNPULLED, f"ErrImagePull: {UNPULLED}"),
        (
            "ImagePullBackOff",
            f'Back-off pulling image "shop": ErrImagePull: {UNPULLED}',
            f"ErrImagePull: {UNPULLED}",
        ),
        ("ImagePullBackOff", "Back-off pulling", "ImagePullBackOff: Back-off pulling"),
        ("CreateContainerConfigError", "no Secret", "CreateContainerConfigError: no Secret"),
    ],
)
def test_a_container_that_cannot_start_says_why(reason: str, message: str, told: str) -> None:
    assert words(held(reason, message)) == [f"container web: {told}"]


@pytest.mark.parametrize("reason", ["ContainerCreating", "PodInitializing"])
def test_a_container_that_starts_waits_for_nothing(reason: str) -> None:
    assert words(held(reason)) == []


@pytest.mark.parametrize(
    "one",
    [
        ended(ENDED),
        waiting("CrashLoopBackOff", 5, last=ENDED),
        running(last=ENDED),
        running(last=ENDED, conditions=[condition("Ready", 1)]),
        ended(ENDED, "initContainerStatuses"),
    ],
    ids=["not started again", "waits", "runs again", "ready for now", "init container"],
)
def test_a_container_that_ended_is_named_with_its_exit_code(one: Object) -> None:
    told = Obstacle(words="container web ended with exit code 3", pod="a", container="web")
    assert obstacles_of([one], ()) == [told]


def test_why_a_container_ended_is_told_where_it_is_known() -> None:
    killed = {"exitCode": 137, "reason": "OOMKilled"}
    assert words(ended(killed)) == ["container web ended with exit code 137, OOMKilled"]
    assert words(ended({"exitCode": 0, "reason": "Completed"})) == [
        "container web ended with exit code 0"
    ]


def test_an_init_container_that_ended_well_is_no_obstacle() -> None:
    assert words(ended({"exitCode": 0}, "initContainerStatuses")) == []


def test_what_a_container_does_now_counts_before_its_run_before() -> None:
    assert words(running(last=ENDED), events=(unhealthy(),)) == [f"container web: {REFUSED}"]


def test_a_pod_that_is_ready_has_left_its_warnings_behind() -> None:
    assert words(running(conditions=[condition("Ready", 1)]), events=(unhealthy(),)) == []


def test_one_reason_of_many_pods_is_told_once() -> None:
    dial = "dial tcp 10.0.0.{}:8080: connect: connection refused"
    pods = [running(), running()]
    for number, one in enumerate(pods):
        one["metadata"]["uid"] = str(number)
    events = [unhealthy(message=dial.format(n), about=str(n)) for n in range(2)]
    assert len(words(*pods, events=tuple(events))) == 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('pods "web-5x2kd" is forbidden', 'pods "web-9zqlt" is forbidden', True),
        ("statuscode: 503", "statuscode: 404", False),
        ("exit code 1", "exit code 2", False),
        ("1 Insufficient cpu", "2 Insufficient cpu", True),
    ],
)
def test_numbers_and_made_names_do_not_make_another_reason(
    one: str, other: str, *, same: bool
) -> None:
    assert (Obstacle(words=one).key == Obstacle(words=other).key) is same
