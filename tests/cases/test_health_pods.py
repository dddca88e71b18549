"""Pods belong to a workload by owner reference.

Labels and images say nothing: another workload's pod may have both, and so has the ReplicaSet
before, where only the configuration changed.
"""

from __future__ import annotations

import pytest

from shipway.kubernetes.workloads import selector_of
from tests.support.kube_objects import (
    CRASH,
    Object,
    deployment,
    judged,
    judged_set,
    of_revision,
    pod,
    replica_set,
    waiting,
)

TWO = [pod("a"), pod("b")]
REVISIONS = [replica_set(1), replica_set(2)]
GOING = pod("old", "rs1")
GOING["metadata"]["deletionTimestamp"] = "now"
EVICTED = pod("old", "rs1", ready=False, phase="Failed")


@pytest.mark.parametrize(
    "more",
    [
        pytest.param([pod("redis", "rs-of-redis")], id="another Deployment's pod"),
        pytest.param([pod("by-hand", None)], id="a pod of nobody"),
        pytest.param([waiting(CRASH, 900, 9, "stray", "other")], id="a stray pod that crashes"),
        pytest.param([GOING], id="a pod that is going"),
        pytest.param([EVICTED], id="a pod that was evicted"),
        # rollout status of kubectl looks at counts alone and is fine, too.
        pytest.param([pod("job-1", "job")], id="a Job's pod with the same labels"),
    ],
)
def test_what_is_not_the_workloads_counts_for_nothing(more: list[Object]) -> None:
    found = judged(deployment(), REVISIONS, [*TWO, *more])
    assert (found.state, found.reason) == ("healthy", "2 of 2 run the image")


def test_a_crash_of_the_replica_set_before_does_not_count_with_the_same_image() -> None:
    old = waiting(CRASH, 900, 9, "old", "rs1")
    found = judged(deployment(updatedReplicas=1), REVISIONS, [pod("a"), old])
    assert (found.state, found.restarts) == ("progressing", 0)
    assert found.reason == "1 of 2 ready, 1 of the version before still run"


def test_going_back_to_an_older_replica_set_counts_by_revision_and_not_by_age() -> None:
    revisions = [replica_set(3), replica_set(2)]
    revisions[0]["metadata"]["uid"], revisions[1]["metadata"]["uid"] = "first", "second"
    pods = [pod("a", "first"), pod("b", "first"), waiting(CRASH, 900, 9, "c", "second")]
    found = judged(deployment(revision=3), revisions, pods)
    assert found.reason == "2 of 2 ready, 1 of the version before still run"


def test_what_the_controller_has_not_seen_is_not_judged_by_the_pods_that_are_there() -> None:
    pods = [waiting(CRASH, 900, 9)]
    found = judged(deployment(observedGeneration=2), REVISIONS, pods)
    assert (found.state, found.reason) == ("progressing", "the controller has not seen it yet")


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_other_kinds_tell_new_pods_by_their_revision(kind: str) -> None:
    found = judged_set(kind, [of_revision("a", 2), of_revision("b", 1)])
    assert found.reason == "1 of 2 ready, 1 of the version before still run"
    pods = [of_revision("a", 2), of_revision("b", 2), pod("stray", None)]
    assert judged_set(kind, pods).state == "healthy"


@pytest.mark.parametrize(
    ("selector", "asked"),
    [
        ({"matchLabels": {"app": "web", "tier": "a"}}, "app=web,tier=a"),
        (
            {"matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "b"]}]},
            "app in (a,b)",
        ),
        (
            {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["a"]}]},
            "app notin (a)",
        ),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, "app"),
        (
            {
                "matchLabels": {"app": "web"},
                "matchExpressions": [{"key": "job", "operator": "DoesNotExist"}],
            },
            "app=web,!job",
        ),
    ],
    ids=["labels", "In", "NotIn", "Exists", "both"],
)
def test_every_selector_is_asked_for(selector: Object, asked: str) -> None:
    assert selector_of(selector) == asked
