from __future__ import annotations

import pytest

from shipway.kubernetes.pods import (
    failing,
    hopeless,
    is_over,
    is_ready,
    restarts,
    settling,
    unschedulable,
)
from shipway.kubernetes.startup import Startup
from tests.support.kube_objects import NOW, Object, ago, condition, pod, waiting, warning

CRASH, CONFIG = "CrashLoopBackOff", "CreateContainerConfigError"
BARE: Object = {"metadata": {"name": "a"}}


def bad(one: Object, *events: Object, startup: Startup | None = None) -> bool:
    return failing(one, startup or Startup(), NOW, events) is not None


def since(one: Object, kind: str, seconds: float, status: str = "True") -> Object:
    """The pod, with a condition that changed at another time."""
    others = [each for each in one["status"]["conditions"] if each["type"] != kind]
    one["status"]["conditions"] = [*others, condition(kind, seconds, status)]
    return one


def of_container(name: str, seconds: float) -> Object:
    about = warning("a", seconds)
    about["involvedObject"]["fieldPath"] = f"spec.containers{{{name}}}"
    return about


def test_a_pod_that_says_nothing_yet_is_neither_ready_nor_bad() -> None:
    for one in (BARE, {**BARE, "status": {}}):
        assert not is_over(one)
        assert not is_ready(one, Startup(), NOW)
        assert restarts(one) == 0
        assert unschedulable(one) is None
        assert hopeless(one) is None


def test_a_container_that_says_nothing_yet_is_not_bad() -> None:
    one = pod("a", containerStatuses=[{"name": "web"}])
    assert is_ready(one, Startup(), NOW)
    assert restarts(one) == 0
    assert hopeless(one) is None


def test_the_restarts_of_all_containers_are_counted() -> None:
    statuses = [{"name": name, "restartCount": count} for name, count in (("web", 2), ("log", 3))]
    assert restarts(pod("a", containerStatuses=statuses)) == 5


def test_a_pod_that_no_node_takes_says_why() -> None:
    full = "0/1 nodes: no cpu"
    assert unschedulable(pod("a")) is None
    one = pod("a", conditions=[condition("PodScheduled", 9, "False", message=full)])
    assert unschedulable(one) == full
    assert unschedulable(pod("a", conditions=[condition("PodScheduled", 9, "False")])) == ""


@pytest.mark.parametrize(
    ("reason", "is_hopeless"),
    [(CRASH, True), ("ErrImageNeverPull", True), ("ErrImagePull", False)],
)
def test_a_pod_that_nothing_is_forgiven_fails_with_its_first_failure(
    reason: str, is_hopeless: bool
) -> None:
    one = waiting(reason, 0)
    assert hopeless(one) == (("web", f"{reason}: back-off") if is_hopeless else None)


def test_a_failure_without_a_message_is_told_by_its_reason() -> None:
    one = waiting(CRASH, 0)
    del one["status"]["containerStatuses"][0]["state"]["waiting"]["message"]
    assert hopeless(one) == ("web", f"{CRASH}: ")


@pytest.mark.parametrize(("seconds", "is_bad"), [(29, False), (30, True)])
def test_the_tolerance_ends_once_its_time_is_up(seconds: float, is_bad: bool) -> None:
    assert bad(waiting(CONFIG, seconds)) == is_bad


def test_without_a_start_time_nothing_is_known_to_last() -> None:
    one = waiting(CONFIG, 99)
    del one["status"]["startTime"]
    one["status"]["conditions"] = []
    assert not bad(one)


def test_a_crash_loop_is_told_by_restarts_and_not_by_time_alone() -> None:
    one = waiting(CRASH, 99)
    assert not bad(one, startup=Startup(restarts=1))
    del one["status"]["containerStatuses"][0]["restartCount"]
    assert not bad(one, startup=Startup(restarts=1))
    assert bad(one, startup=Startup(restarts=0))


@pytest.mark.parametrize(
    ("events", "is_bad"),
    [
        pytest.param([warning("a", 5)], False, id="first warned 5 s ago"),
        pytest.param([warning("a", 5), warning("a", 40)], True, id="first warned 40 s ago"),
        pytest.param([warning("b", 5)], True, id="of another pod"),
        pytest.param([of_container("proxy", 5)], True, id="of another container"),
        pytest.param([{**warning("a", 5), "involvedObject": {"uid": "a"}}], True, id="of the pod"),
        pytest.param(
            [{**warning("a", 5), "firstTimestamp": None, "eventTime": ago(5)}],
            False,
            id="with the newer API's time",
        ),
        pytest.param(
            [{**warning("a", 5), "firstTimestamp": None}, warning("a", 40)],
            True,
            id="one without a time",
        ),
        pytest.param([{**warning("a", 5), "firstTimestamp": None}], True, id="none with a time"),
    ],
)
def test_a_pull_fails_since_the_first_warning_about_its_container(
    events: list[Object], is_bad: bool
) -> None:
    assert bad(waiting("ImagePullBackOff", 300), *events) == is_bad


def test_a_crash_loop_began_with_the_containers_start_whatever_was_warned_of_since() -> None:
    assert bad(waiting(CRASH, 300, 3), warning("a", 5))


def test_a_container_starts_once_the_init_containers_are_done() -> None:
    assert not bad(since(waiting(CONFIG, 300), "Initialized", 5))
    assert bad(since(waiting(CONFIG, 300), "Initialized", 40))
    assert bad(since(waiting(CONFIG, 300), "Initialized", 5, "False"))


def test_an_init_container_starts_with_its_pod_even_one_that_goes_on_beside_the_others() -> None:
    sidecar = waiting(CRASH, 300, 3, statuses="initContainerStatuses")
    assert bad(since(sidecar, "Initialized", 5))


def ran(seconds: float, ended: float = 2) -> Object:
    """A run that ended some seconds ago, and how long it was."""
    return {"startedAt": ago(seconds + ended), "finishedAt": ago(ended)}


@pytest.mark.parametrize(
    ("last", "changed", "is_bad"),
    [
        pytest.param(ran(100), 2, True, id="was ready, and ran for long"),
        pytest.param(ran(30), 2, True, id="was ready, and ran just longer than forgiven"),
        pytest.param(ran(29), 2, False, id="ran as shortly as one that fails to start"),
        pytest.param(ran(100), 102, False, id="not ready since it began"),
        pytest.param({"startedAt": None, "finishedAt": ago(2)}, 2, False, id="no start"),
        pytest.param({"startedAt": ago(99), "finishedAt": None}, 2, False, id="no end"),
        pytest.param(None, 2, False, id="no run before"),
    ],
)
def test_only_a_container_that_had_been_ready_is_bad_at_its_first_crash(
    last: Object | None, changed: float, is_bad: bool
) -> None:
    one = waiting(CRASH, 600, 1, last=last)
    assert bad(since(one, "Ready", changed, "False")) == is_bad


def test_a_crash_is_forgiven_where_nothing_tells_of_readiness() -> None:
    one = waiting(CRASH, 600, 1, last=ran(100))
    one["status"]["conditions"] = []
    assert not bad(one)


def running(last: Object | None, since: float | None) -> Object:
    state = {} if since is None else {"state": {"running": {"startedAt": ago(since)}}}
    status = {"name": "web", "lastState": {"terminated": last}, **state}
    return pod("a", containerStatuses=[status])


@pytest.mark.parametrize(
    ("one", "ready"),
    [
        pytest.param(running(None, 0), True, id="never ended"),
        pytest.param(running(ran(0), 1.0), False, id="ended at once, up for 1 s"),
        pytest.param(running(ran(0), 2.0), True, id="ended at once, up for 2 s"),
        pytest.param(running(ran(100), 31.0), False, id="up for hardly more than is forgiven"),
        pytest.param(running(ran(100), 32.0), True, id="up for more than is forgiven"),
        pytest.param(running(ran(10), None), False, id="not up"),
        pytest.param(running({"startedAt": None, "finishedAt": ago(1)}, 0), True, id="no start"),
        pytest.param(running({"startedAt": ago(1), "finishedAt": None}, 0), True, id="no end"),
    ],
)
def test_a_container_that_ended_is_ready_once_it_outlives_that_run(
    one: Object, ready: bool
) -> None:
    assert is_ready(one, Startup(), NOW) == ready


def test_a_pod_is_ready_when_all_its_containers_are() -> None:
    one = running(None, 9)
    one["status"]["containerStatuses"] += running(ran(100), 1)["status"]["containerStatuses"]
    assert not is_ready(one, Startup(), NOW)
    assert not is_ready(pod("a", ready=False), Startup(), NOW)


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (running(None, 0), None),
        (running(ran(1), 1), "web must stay up for 3 s, as it ended before"),
        (running(ran(1), 3), None),
        (pod("a", ready=False, containerStatuses=[{"name": "web"}]), None),
        (BARE, None),
        ({**BARE, "status": {}}, None),
    ],
)
def test_what_has_yet_to_stay_up_is_told(one: Object, words: str | None) -> None:
    assert settling(one, Startup(), NOW) == words


def test_the_longer_of_two_times_to_stay_up_counts() -> None:
    one = running(ran(20), 1)
    one["spec"]["containers"] = [{"name": "web"}]
    assert settling(one, Startup(), NOW) == "web must stay up for 22 s, as it ended before"
    words = "web must stay up for 23.5 s, as it has no readinessProbe"
    assert settling(one, Startup(min_ready_seconds=23.5), NOW) == words
