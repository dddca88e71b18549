"""Prune deletes nothing that the same pass applied."""

from __future__ import annotations

import pytest

from shipway.errors import RefuseError
from shipway.kubernetes.apply import Change, apply_set
from shipway.kubernetes.applyset import NAMESPACES
from shipway.kubernetes.membership import MEMBER
from shipway.kubernetes.objects import read_objects
from tests.support.memory_cluster import MemoryCluster

DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: fleets.ships.example.org}}
spec: {{group: ships.example.org, scope: {}, names: {{kind: Fleet, plural: fleets}}}}
"""
RBAC = "rbac.authorization.k8s.io/v1"


def manifest(kind: str, metadata: str = "name: web", api: str = "v1") -> str:
    return f"apiVersion: {api}\nkind: {kind}\nmetadata: {{{metadata}}}\n"


def made() -> MemoryCluster:
    """Also serves Fleet, without namespaces, and Ingress, the same objects in two groups."""
    cluster = MemoryCluster("web", "monitoring")
    cluster.served |= {
        "ships.example.org/v1": {"Fleet": False},
        "extensions/v1beta1": {"Ingress": True},
        "networking.k8s.io/v1": {"Ingress": True},
        "policy/v1": {"PodDisruptionBudget": True},
        "policy/v1beta1": {"PodDisruptionBudget": True},
    }
    cluster.stored_as["Ingress.extensions"] = "Ingress.networking.k8s.io"
    return cluster


async def put(cluster: MemoryCluster, *documents: str) -> list[Change]:
    """One pass of the agent."""
    objects = read_objects({"all.yaml": "---\n".join(documents).encode()}, "staging/web")
    return await apply_set(cluster, "web", "web", objects, "\n".join(documents))


def deleted(changes: list[Change]) -> list[str]:
    return [change.title for change in changes if change.action == "deleted"]


def stray(namespace: str, kind: str = "ClusterRole", api: str = RBAC) -> str:
    return manifest(kind, f"name: web, namespace: {namespace}", api)


STAY = {
    "a ClusterRole of another namespace": [stray("monitoring")],
    "a ClusterRole of a namespace that is not there": [stray("nowhere")],
    "a ClusterRole of the set's namespace": [stray("web")],
    "a ClusterRole of an empty namespace": [stray('""')],
    "a ClusterRoleBinding": [stray("monitoring", "ClusterRoleBinding")],
    "a PersistentVolume": [stray("monitoring", "PersistentVolume", "v1")],
    "a custom kind": [stray("monitoring", "Fleet", "ships.example.org/v1")],
    "a custom kind beside its definition": [
        DEFINITION.format("Cluster"),
        stray("monitoring", "Fleet", "ships.example.org/v1"),
    ],
    "a ConfigMap of an empty namespace": [stray('""', "ConfigMap", "v1")],
    "a ConfigMap of the set's namespace": [stray("web", "ConfigMap", "v1")],
    "one name in two namespaces": [stray("monitoring", "ConfigMap", "v1"), manifest("ConfigMap")],
    "one kind and name in two groups": [
        manifest("Service"),
        manifest("Service", api="serving.knative.dev/v1"),
    ],
    "an older version of its group": [manifest("Widget", api="example.org/v1")],
}


@pytest.mark.parametrize("documents", STAY.values(), ids=STAY.keys())
async def test_what_stands_in_git_stays(documents: list[str]) -> None:
    cluster = made()
    cluster.served["serving.knative.dev/v1"] = {"Service": True}
    for action in ("created", "unchanged"):
        changes = await put(cluster, *documents)
        assert {change.action for change in changes} == {action}
    assert not any(line.startswith("delete") for line in cluster.log)


MOVED = {
    "a version": (
        manifest("PodDisruptionBudget", api="policy/v1beta1"),
        manifest("PodDisruptionBudget", api="policy/v1"),
    ),
    "back to an older version": (
        manifest("Widget", api="example.org/v2"),
        manifest("Widget", api="example.org/v1"),
    ),
    "a group": (
        manifest("Ingress", api="extensions/v1beta1"),
        manifest("Ingress", api="networking.k8s.io/v1"),
    ),
    "back to an older group": (
        manifest("Ingress", api="networking.k8s.io/v1"),
        manifest("Ingress", api="extensions/v1beta1"),
    ),
    "a stray namespace": (stray("monitoring"), stray("web")),
    "no stray namespace": (stray("monitoring"), manifest("ClusterRole", api=RBAC)),
    "the set's namespace, named": (manifest("ConfigMap"), stray("web", "ConfigMap", "v1")),
}


@pytest.mark.parametrize(("before", "after"), MOVED.values(), ids=MOVED.keys())
async def test_what_is_only_written_otherwise_stays(before: str, after: str) -> None:
    cluster = made()
    await put(cluster, before)
    for _ in range(2):
        assert deleted(await put(cluster, after)) == []
    assert [change.action for change in await put(cluster, after)] == ["unchanged"]


GONE = {
    "a ClusterRole with a stray namespace": stray("monitoring"),
    "a ConfigMap of another namespace": stray("monitoring", "ConfigMap", "v1"),
    "a ConfigMap of an empty namespace": stray('""', "ConfigMap", "v1"),
    "an older version of its group": manifest("Widget", api="example.org/v1"),
    "a kind that the preferred version does not have": manifest("Gadget", api="example.org/v1"),
}


@pytest.mark.parametrize("document", GONE.values(), ids=GONE.keys())
async def test_what_git_no_longer_has_is_deleted(document: str) -> None:
    cluster = made()
    cluster.served["example.org/v1"]["Gadget"] = True
    await put(cluster, manifest("Service"), document)
    assert len(deleted(await put(cluster, manifest("Service")))) == 1
    assert deleted(await put(cluster, manifest("Service"))) == []


async def test_a_definition_and_its_objects_go_together() -> None:
    cluster = made()
    fleet = manifest("Fleet", api="ships.example.org/v1")
    await put(cluster, manifest("Service"), DEFINITION.format("Cluster"), fleet)
    changes = await put(cluster, manifest("Service"))
    names = ["CustomResourceDefinition/fleets.ships.example.org", "Fleet/web"]
    assert sorted(deleted(changes)) == names


@pytest.mark.parametrize("gone", ["Fleet", "Raft"], ids=["its group too", "the kind alone"])
async def test_a_kind_that_is_no_longer_served_is_passed_over(gone: str) -> None:
    cluster = made()
    group = "ships.example.org" if gone == "Fleet" else "example.org"
    cluster.served[f"{group}/v1"][gone] = False
    await put(cluster, manifest("Service"), manifest(gone, api=f"{group}/v1"))
    del cluster.served[f"{group}/v1"][gone]
    if gone == "Fleet":
        del cluster.served[f"{group}/v1"]
    assert deleted(await put(cluster, manifest("Service"))) == []
    assert cluster.objects["ConfigMap", "web", "shipway.web"]


@pytest.mark.parametrize("namespaced", [True, False], ids=["to namespaces", "to none"])
async def test_a_kind_that_changes_its_scope_is_asked_for_anew(namespaced: bool) -> None:
    cluster = made()
    cluster.served["ships.example.org/v1"]["Fleet"] = not namespaced
    fleet = stray("monitoring", "Fleet", "ships.example.org/v1")
    await put(cluster, fleet)
    cluster.objects = {
        key: body for key, body in cluster.objects.items() if not key[0].startswith("Fleet")
    }
    cluster.served["ships.example.org/v1"]["Fleet"] = namespaced
    changes = [await put(cluster, fleet) for _ in range(2)]
    assert [change.action for (change,) in changes] == ["created", "unchanged"]
    where = "monitoring" if namespaced else None
    assert ("Fleet.ships.example.org", where, "web") in cluster.objects


TWICE = {
    "namespace omitted and named": (manifest("ConfigMap"), stray("web", "ConfigMap", "v1")),
    "namespace omitted and empty": (manifest("ConfigMap"), stray('""', "ConfigMap", "v1")),
    "two stray namespaces": (stray("monitoring"), stray("web")),
    "a stray namespace and none": (manifest("ClusterRole", api=RBAC), stray("monitoring")),
    "two versions": (
        manifest("PodDisruptionBudget", api="policy/v1beta1"),
        manifest("PodDisruptionBudget", "name: web, namespace: web", "policy/v1"),
    ),
    "a kind that the folder defines": (
        stray("monitoring", "Raft", "new.example.org/v1"),
        stray("web", "Raft", "new.example.org/v1"),
    ),
}


@pytest.mark.parametrize("documents", TWICE.values(), ids=TWICE.keys())
async def test_what_stands_twice_by_its_scope_is_refused_before_all(
    documents: tuple[str, str],
) -> None:
    cluster = made()
    raft = DEFINITION.format("Cluster").replace("Fleet", "Raft").replace("ships.", "new.")
    with pytest.raises(RefuseError) as caught:
        await put(cluster, manifest("Secret"), raft, *documents)
    assert caught.value.what.endswith("/web stands twice.")
    assert str(caught.value).partition("\n")[2] == (
        "  where:     staging/web/all.yaml\n"
        "  expected:  each object once\n"
        "  got:       first in staging/web/all.yaml\n"
        "  untouched: the cluster"
    )
    assert cluster.log == []


@pytest.mark.parametrize(
    ("document", "namespaces"),
    [
        (stray("monitoring"), ""),
        (stray("nowhere", "PersistentVolume", "v1"), ""),
        (stray("monitoring", "ConfigMap", "v1"), "monitoring"),
        (stray('""', "ConfigMap", "v1"), ""),
        (stray("web", "ConfigMap", "v1"), ""),
    ],
    ids=["ClusterRole", "PersistentVolume", "ConfigMap", "empty", "the set's own"],
)
async def test_the_set_lists_the_namespaces_of_what_has_one(document: str, namespaces: str) -> None:
    cluster = made()
    await put(cluster, document)
    parent = cluster.objects["ConfigMap", "web", "shipway.web"]["metadata"]
    assert parent["annotations"][NAMESPACES] == namespaces


async def test_a_kind_without_namespaces_is_listed_once() -> None:
    cluster = made()
    documents = [manifest("ClusterRole", api=RBAC), stray("monitoring", "ConfigMap", "v1")]
    await put(cluster, *documents)
    cluster.requests.clear()
    await put(cluster, *documents)
    assert cluster.requests.count(f"GET /apis/{RBAC}/clusterroles") == 1
    for namespace in ("web", "monitoring"):
        assert cluster.requests.count(f"GET /api/v1/namespaces/{namespace}/configmaps") == 1


# Controllers copy labels to what they make: external-secrets#68, ClusterSecret#146, and Kubernetes
# itself from a Service to its Endpoints.
COPIED = {
    "a Secret of an ExternalSecret": ("Secret", "made-by-operator"),
    "Endpoints of a Service": ("Endpoints", "kube-controller-manager"),
    "a ConfigMap by hand": ("ConfigMap", "kubectl-create"),
}


@pytest.mark.parametrize(("kind", "manager"), COPIED.values(), ids=COPIED.keys())
async def test_what_only_copies_the_sets_label_is_not_deleted(kind: str, manager: str) -> None:
    cluster = made()
    await put(cluster, manifest(kind))
    labels = cluster.objects[kind, "web", "web"]["metadata"]["labels"]
    assert MEMBER in labels
    copy = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "copy", "labels": labels}}
    await cluster.apply(copy, "web", manager)
    assert deleted(await put(cluster, manifest(kind))) == []
    assert (kind, "web", "copy") in cluster.objects
