from __future__ import annotations

from typing import Any

import pytest

from shipway.kubernetes.observed import Observed
from tests.support.kube_objects import (
    Object,
    controller_revision,
    deployment,
    of_revision,
    other_kind,
    owned_by,
    pod,
    replica_set,
)

SETS = [replica_set(1), replica_set(2)]
REVISIONS = [controller_revision(2), controller_revision(10), controller_revision(1)]


def observed(workload: Object, revisions: list[Object], *pods: Object) -> Observed:
    return Observed(workload=workload, revisions=tuple(revisions), pods=pods)


def names(objects: list[Object]) -> list[str]:
    return [each["metadata"]["name"] for each in objects]


def name(one: Object | None) -> str | None:
    return None if one is None else one["metadata"]["name"]


def stateful(**status: Any) -> Object:
    return other_kind("StatefulSet", 2, {}, **status)


def strays(one: Object) -> Object:
    """The same, owned by something else."""
    metadata = one["metadata"] | {"name": "stray", "ownerReferences": owned_by("other")}
    return one | {"metadata": metadata}


def test_a_deployments_new_replica_set_has_its_revision() -> None:
    assert name(observed(deployment(), SETS).new_revision) == "web-2"
    assert name(observed(deployment(revision=1), SETS).new_revision) == "web-1"
    assert observed(deployment(revision=3), SETS).new_revision is None
    assert name(observed(deployment(), [strays(SETS[1]), *SETS]).new_revision) == "web-2"


def test_a_replica_set_without_a_revision_is_not_the_new_one() -> None:
    bare = replica_set(3)
    del bare["metadata"]["annotations"]
    assert name(observed(deployment(), [bare, *SETS]).new_revision) == "web-2"


def test_a_stateful_sets_new_revision_is_the_one_that_it_names() -> None:
    assert name(observed(stateful(), REVISIONS).new_revision) == "web-2"
    assert observed(stateful(updateRevision="web-3"), REVISIONS).new_revision is None
    assert observed({**stateful(), "status": {}}, REVISIONS).new_revision is None
    bare = stateful()
    del bare["status"]
    assert observed(bare, REVISIONS).new_revision is None


def test_a_daemon_sets_new_revision_is_the_one_with_the_highest_number() -> None:
    workload = other_kind("DaemonSet", 2, {})
    assert name(observed(workload, REVISIONS).new_revision) == "web-10"
    highest = strays(controller_revision(11))
    assert name(observed(workload, [*REVISIONS, highest]).new_revision) == "web-10"
    assert observed(workload, []).new_revision is None


def test_a_deployments_pods_are_those_of_its_replica_sets() -> None:
    pods = [pod("new"), pod("old", "rs1"), pod("other", "rs9"), pod("direct", "web")]
    found = observed(deployment(), [*SETS, strays(replica_set(9))], *pods, pod("free", None))
    assert (names(found.new_pods), names(found.old_pods)) == (["new"], ["old"])


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_another_kinds_pods_are_its_own(kind: str) -> None:
    revisions = [controller_revision(1), controller_revision(2)]
    pods = [of_revision("new", 2), of_revision("old", 1), pod("other", "rs2"), pod("bare", "web")]
    del pods[-1]["metadata"]["labels"]
    found = observed(other_kind(kind, 2, {}), revisions, *pods)
    assert (names(found.new_pods), names(found.old_pods)) == (["new"], ["old", "bare"])


def test_every_pod_is_old_while_there_is_no_new_revision() -> None:
    found = observed(deployment(revision=3), SETS, pod("a"), pod("b", "rs1"))
    assert (found.new_pods, names(found.old_pods)) == ([], ["a", "b"])


@pytest.mark.parametrize("labels", [None, {}, {"app": "web"}])
def test_a_revision_without_the_label_is_told_by_its_name(labels: Object | None) -> None:
    revision = controller_revision(2)
    del revision["metadata"]["labels"]
    revision["metadata"] |= {} if labels is None else {"labels": labels}
    pods = [of_revision("new", 2), pod("bare", "web")]
    found = observed(stateful(), [revision], *pods)
    assert (names(found.new_pods), names(found.old_pods)) == (["new"], ["bare"])


def test_a_revisions_label_counts_beside_its_name() -> None:
    # A DaemonSet's revision is named after workload and hash, its pods have the hash alone.
    revision = controller_revision(2)
    revision["metadata"]["labels"] = {"controller-revision-hash": "6d4f"}
    pods = [pod("new", "web", labels={"controller-revision-hash": "6d4f"}), of_revision("old", 1)]
    found = observed(other_kind("DaemonSet", 2, {}), [revision], *pods)
    assert (names(found.new_pods), names(found.old_pods)) == (["new"], ["old"])


def test_an_owner_that_is_no_controller_owns_nothing() -> None:
    held = pod("held")
    held["metadata"]["ownerReferences"][0]["controller"] = False
    both = pod("both")
    other = {"kind": "Any", "uid": "other", "controller": False}
    both["metadata"]["ownerReferences"].insert(0, other)
    unsaid = pod("unsaid")
    del unsaid["metadata"]["ownerReferences"][0]["controller"]
    found = observed(deployment(), SETS, held, both, unsaid)
    assert names(found.owned_pods) == ["both"]


def test_pods_that_are_over_count_for_nothing() -> None:
    going = pod("going")
    going["metadata"]["deletionTimestamp"] = "now"
    over = [pod("ended", phase="Succeeded"), pod("evicted", phase="Failed")]
    found = observed(deployment(), SETS, pod("a"), going, *over)
    assert names(found.owned_pods) == ["a"]
