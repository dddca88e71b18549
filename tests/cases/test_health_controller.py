"""The controller's own words are told, and what could never succeed holds no version."""

from __future__ import annotations

from typing import cast

import pytest

from shipway.config.rollout import Promotion
from shipway.errors import BadVersionError, HaltError, RefuseError
from shipway.git.trailers import OpsCommit
from shipway.image_ref import ImageRef
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.health import Health
from shipway.kubernetes.objects import KubeObject
from shipway.rollout import promotion
from shipway.rollout.watch import _deadline_seconds, _red
from tests.support.kube_objects import (
    NOW,
    ROLLING,
    Object,
    condition,
    controller_revision,
    deployment,
    judged,
    judged_set,
    of_revision,
    other_kind,
    pod,
    replica_set,
    waiting,
    warning,
)
from tests.support.watched import WORKLOAD, target

QUOTA = 'pods "web-2-x" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1'
DEADLINE = condition(
    "Progressing", 1, "False", reason="ProgressDeadlineExceeded", message="has timed out"
)


def refused(seconds: float) -> Object:
    return condition("ReplicaFailure", seconds, reason="FailedCreate", message=QUOTA)


def unschedulable() -> Object:
    one = pod("a", ready=False)
    one["status"]["conditions"] = [
        condition("PodScheduled", 9, "False", reason="Unschedulable", message="0/1 nodes: no cpu")
    ]
    return one


ONE_LACKS = {"updatedReplicas": 1, "availableReplicas": 1}
ON_DELETE = {"type": "OnDelete"}


@pytest.mark.parametrize(
    ("workload", "revision", "pods", "events", "words"),
    [
        pytest.param(
            deployment(conditions=[refused(40)], **ONE_LACKS),
            replica_set(2),
            [pod("a")],
            [],
            QUOTA,
            id="helm#3875: a quota, told by the Deployment",
        ),
        pytest.param(
            deployment(**ONE_LACKS),
            replica_set(2, conditions=[refused(40)]),
            [pod("a")],
            [],
            QUOTA,
            id="a quota, told by the ReplicaSet",
        ),
        pytest.param(
            deployment(conditions=[DEADLINE, refused(4)], **ONE_LACKS),
            replica_set(2),
            [pod("a")],
            [],
            QUOTA,
            id="a quota, past the deadline",
        ),
        pytest.param(
            deployment(spec={"paused": True}, updatedReplicas=0),
            replica_set(2),
            [waiting("CrashLoopBackOff", 99, 9)],
            [],
            "spec.paused: true",
            id="helm#5789: paused",
        ),
        pytest.param(
            deployment(conditions=[DEADLINE], updatedReplicas=1, availableReplicas=0),
            replica_set(2),
            [unschedulable()],
            [],
            "0/1 nodes: no cpu",
            id="no node has room",
        ),
        pytest.param(
            other_kind("StatefulSet", 2, ROLLING, **ONE_LACKS),
            controller_revision(2),
            [of_revision("a", 2)],
            [warning("web", 40, "FailedCreate", QUOTA)],
            QUOTA,
            id="a StatefulSet's quota",
        ),
        pytest.param(
            other_kind("DaemonSet", 2, ROLLING, updatedNumberScheduled=1, numberAvailable=1),
            controller_revision(2),
            [of_revision("a", 2)],
            [warning("web", 40, "FailedCreate", QUOTA)],
            QUOTA,
            id="a DaemonSet's quota",
        ),
    ],
)
def test_what_could_never_succeed_halts_in_the_controllers_words(
    workload: Object, revision: Object, pods: list[Object], events: list[Object], words: str
) -> None:
    found = judged(workload, [revision], pods, events)
    assert found.state == "blocked"
    assert words in found.reason
    error = _red(target(), WORKLOAD, found, "")
    assert isinstance(error, HaltError)
    assert words in str(error)


def test_a_quota_is_waited_for_while_it_may_pass() -> None:
    found = judged(deployment(conditions=[refused(4)], **ONE_LACKS), [replica_set(2)], [pod("a")])
    assert (found.state, found.pod) == ("progressing", None)
    assert QUOTA in found.reason


def test_a_quota_of_the_past_says_nothing() -> None:
    before = warning("web", 900, "FailedCreate", QUOTA)
    before["lastTimestamp"] = before["firstTimestamp"]
    found = judged_set("StatefulSet", [of_revision("a", 2)], events=[before], **ONE_LACKS)
    assert found.state == "progressing"
    assert QUOTA not in found.reason


def test_the_deadline_with_a_pod_that_does_not_get_ready_is_the_versions_fault() -> None:
    pods = [pod("a"), pod("b", ready=False)]
    found = judged(deployment(conditions=[DEADLINE], **ONE_LACKS), [replica_set(2)], pods)
    assert (found.state, found.reason, found.pod) == ("failed", "has timed out", "b")
    assert isinstance(_red(target(), WORKLOAD, found, ""), BadVersionError)


@pytest.mark.parametrize(
    ("kind", "strategy", "new", "words"),
    [
        # argo-cd#668: a partitioned one is progressing for ever.
        pytest.param(
            "StatefulSet",
            ROLLING | {"rollingUpdate": {"partition": 1}},
            1,
            "1 of 2 run the image; partition 1 of the updateStrategy keeps 1 as they were",
            id="a partition",
        ),
        pytest.param(
            "StatefulSet",
            ROLLING | {"rollingUpdate": {"partition": 5}},
            0,
            "0 of 2 run the image; partition 5 of the updateStrategy keeps 2 as they were",
            id="a partition of all",
        ),
        pytest.param(
            "StatefulSet",
            ROLLING | {"rollingUpdate": {"partition": 0}},
            2,
            "2 of 2 run the image",
            id="no partition",
        ),
        # argo-cd#1881.
        pytest.param(
            "StatefulSet",
            ON_DELETE,
            0,
            "0 of 2 run the image; updateStrategy OnDelete: each "
            "other pod once somebody deletes it",
            id="OnDelete",
        ),
        pytest.param(
            "DaemonSet",
            ON_DELETE,
            1,
            "1 of 2 run the image; updateStrategy OnDelete: each "
            "other pod once somebody deletes it",
            id="OnDelete of a DaemonSet",
        ),
    ],
)
def test_what_the_update_strategy_keeps_is_not_waited_for(
    kind: str, strategy: Object, new: int, words: str
) -> None:
    updated = "updatedReplicas" if kind == "StatefulSet" else "updatedNumberScheduled"
    pods = [of_revision(str(number), 2 if number < new else 1) for number in range(2)]
    found = judged_set(kind, pods, strategy, **{updated: new})
    assert (found.state, found.reason) == ("healthy", words)


@pytest.mark.parametrize("strategy", [ON_DELETE, ROLLING | {"rollingUpdate": {"partition": 2}}])
def test_pods_that_are_new_already_must_be_ready_whatever_the_strategy(strategy: Object) -> None:
    pods = [of_revision("a", 2), of_revision("b", 2, ready=False)]
    found = judged_set("StatefulSet", pods, strategy, availableReplicas=1)
    assert (found.state, found.reason) == (
        "progressing",
        "1 of 2 ready, 0 of the version before still run",
    )


def test_a_partition_is_not_done_before_its_pods_are() -> None:
    strategy = ROLLING | {"rollingUpdate": {"partition": 1}}
    pods = [of_revision("a", 1), of_revision("b", 1), of_revision("c", 2)]
    found = judged_set("StatefulSet", pods, strategy, replicas=3, updatedReplicas=1)
    assert found.state == "progressing"
    assert found.reason == "1 of 2 ready, 1 of the version before still run"


def test_no_progress_without_a_pod_that_is_to_blame_holds_nothing() -> None:
    seen = Health(state="progressing", updated=0, available=1, desired_replicas=1, reason="x")
    assert isinstance(_red(target(), WORKLOAD, seen, "no progress for 300 s"), HaltError)


@pytest.mark.parametrize(
    ("own", "given", "seconds"),
    [(None, None, 300), (900, None, 900), (60, None, 60), (900, 20, 20), (None, 20, 20)],
)
def test_the_deadline_is_the_deployments_own_unless_rollout_yaml_says_another(
    own: int | None, given: int | None, seconds: float
) -> None:
    workload = WORKLOAD.model_copy(update={"body": {"spec": {"progressDeadlineSeconds": own}}})
    place = target()
    if given is not None:
        rollout = place.rollout.model_copy(update={"progress_deadline_seconds": given})
        place = place.model_copy(update={"rollout": rollout})
    assert _deadline_seconds(place, workload) == seconds


async def test_a_version_that_not_all_pods_run_is_not_promoted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def workload_health(*_: object) -> Health:
        reason = "1 of 2 run the image; partition 1 of the updateStrategy keeps 1 as they were"
        return Health(state="healthy", updated=1, available=2, desired_replicas=2, reason=reason)

    async def workloads_of(*_: object, **__: object) -> list[KubeObject]:
        return [WORKLOAD]

    monkeypatch.setattr(promotion, "workload_health", workload_health)
    monkeypatch.setattr(promotion, "workloads_of", workloads_of)
    image = ImageRef.parse(f"registry.example.org/shop@sha256:{'1' * 64}")
    client = cast("KubeClient", None)
    commit = OpsCommit(commit="c" * 40, at=NOW, by="Ada", trailers={})
    found = promotion.Promotable(target=target(), image=image, commit=commit)
    with pytest.raises(RefuseError, match="has not proven itself yet") as caught:
        await promotion.check_health(client, found, Promotion(source=("staging",)))
    assert "partition 1" in str(caught.value)
