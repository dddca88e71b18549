"""A reason that may pass makes no version bad before its tolerance is used up.

How long it lasts is told by Kubernetes' own times, so that a run that is started again counts on.
"""

from __future__ import annotations

import pytest

from shipway.kubernetes.startup import NO_TOLERANCE, Startup
from tests.support.kube_objects import (
    CRASH,
    Object,
    ago,
    deployment,
    judged,
    pod,
    replica_set,
    waiting,
    warning,
)

REVISIONS = [replica_set(2)]


def run(began: float, ended: float) -> Object:
    return {"startedAt": ago(began), "finishedAt": ago(ended), "exitCode": 1}


def state(one: Object, *events: Object, startup: Startup | None = None) -> str:
    workload = deployment(replicas=1, updatedReplicas=1, availableReplicas=0)
    return judged(workload, REVISIONS, [one], list(events), startup).state


@pytest.mark.parametrize(
    ("one", "events"),
    [
        # Shopify/krane#886: reverted failing fast, since the Secret may come.
        pytest.param(waiting("CreateContainerConfigError", 3), [], id="a Secret, 3 s"),
        pytest.param(waiting("CreateContainerConfigError", 29), [], id="a Secret, 29 s"),
        pytest.param(waiting("CreateContainerError", 10), [], id="a volume's path"),
        pytest.param(waiting("ImagePullBackOff", 12), [], id="a pull that is tried again"),
        pytest.param(
            waiting("ImagePullBackOff", 300), [warning("a", 5)], id="a pull that took minutes"
        ),
        pytest.param(waiting("PostStartHookError", 3), [], id="a hook"),
        pytest.param(waiting(CRASH, 12, 1), [], id="exits once"),
        pytest.param(waiting(CRASH, 28, 2), [], id="exits twice"),
        pytest.param(waiting(CRASH, 90, 2, last=run(60, 40)), [], id="exits twice, slowly"),
        pytest.param(
            waiting(CRASH, 12, 1, statuses="initContainerStatuses"), [], id="an init container"
        ),
        pytest.param(waiting("ErrImagePull", 99), [], id="a pull that just failed"),
        pytest.param(waiting("ContainerCreating", 99), [], id="no failure at all"),
    ],
)
def test_what_may_pass_is_waited_for(one: Object, events: list[Object]) -> None:
    assert state(one, *events) == "progressing"


@pytest.mark.parametrize(
    ("one", "events"),
    [
        pytest.param(waiting("InvalidImageName", 1), [], id="no name of an image"),
        pytest.param(waiting("ErrImageNeverPull", 1), [], id="an image that is never pulled"),
        pytest.param(waiting("CreateContainerConfigError", 31), [], id="a Secret, 31 s"),
        pytest.param(waiting("ImagePullBackOff", 300), [warning("a", 31)], id="a pull, 31 s"),
        pytest.param(waiting("ImagePullBackOff", 31), [warning("b", 5)], id="another pod's event"),
        pytest.param(waiting("SignatureValidationFailed", 60), [], id="a reason nobody knows"),
        pytest.param(waiting(CRASH, 33, 3), [], id="a crash loop"),
        pytest.param(
            waiting(CRASH, 33, 3, statuses="initContainerStatuses"), [], id="an init container"
        ),
    ],
)
def test_what_does_not_pass_is_bad(one: Object, events: list[Object]) -> None:
    assert state(one, *events) == "failed"


def test_a_container_that_was_ready_and_crashes_is_bad_at_once() -> None:
    one = waiting(CRASH, 600, 1, last=run(500, 2))
    assert state(one) == "progressing"
    one["status"]["conditions"][2]["lastTransitionTime"] = ago(2)
    assert state(one) == "failed"


def test_rollout_yaml_sets_the_tolerance() -> None:
    one = waiting(CRASH, 33, 3)
    assert state(one, startup=Startup(restarts=4)) == "progressing"
    assert state(one, startup=Startup(seconds=60)) == "progressing"
    assert state(waiting(CRASH, 2, 1), startup=NO_TOLERANCE) == "failed"
    assert state(waiting("CreateContainerConfigError", 1), startup=NO_TOLERANCE) == "failed"


@pytest.mark.parametrize(
    ("since", "last", "healthy"),
    [
        pytest.param(0, None, True, id="never ended"),
        pytest.param(1, run(20, 20), False, id="ended at once, up again for a moment"),
        pytest.param(3, run(20, 20), True, id="outlives the run before"),
        pytest.param(8, run(30, 20), False, id="ended after 10 s, up for 8"),
        pytest.param(33, run(900, 50), True, id="up for longer than the tolerance"),
    ],
)
def test_a_crash_loop_is_never_healthy_between_two_crashes(
    since: float, last: Object | None, healthy: bool
) -> None:
    status = {
        "name": "web",
        "restartCount": 1,
        "state": {"running": {"startedAt": ago(since)}},
        "lastState": {"terminated": last} if last else {},
    }
    one = pod("a", containerStatuses=[status])
    found = judged(deployment(replicas=1), REVISIONS, [one])
    assert (found.state == "healthy") == healthy
