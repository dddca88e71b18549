"""Sets are found by their parents, and end with what only Shipway made."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from shipway.errors import RefuseError, RetryError
from shipway.kubernetes.applied_sets import (
    COMMIT,
    FOLDER,
    GONE_SINCE,
    AppliedSet,
    applied_sets,
    contents_of,
    delete_set,
    find_set,
    note_gone,
)
from shipway.kubernetes.apply import apply_set
from shipway.kubernetes.apply_object import Change
from shipway.kubernetes.applyset import APPLIED, SET_ID
from shipway.kubernetes.objects import KubeObject
from tests.support.memory_cluster import MemoryCluster, api_error

NOTES = {FOLDER: "staging/shop", COMMIT: "c" * 40}
AT = datetime(2026, 11, 29, 14, 0, tzinfo=UTC)
KEPT = {"annotations": {"shipway.dev/keep": "true"}}


def made(kind: str, name: str, api: str = "v1", **metadata: Any) -> KubeObject:
    body = {"apiVersion": api, "kind": kind, "metadata": {"name": name, **metadata}}
    namespace = metadata.get("namespace")
    return KubeObject(
        file="all.yaml", api_version=api, kind=kind, name=name, namespace=namespace, body=body
    )


DEFINITION = KubeObject(
    file="all.yaml",
    api_version="apiextensions.k8s.io/v1",
    kind="CustomResourceDefinition",
    name="fleets.example.org",
    namespace=None,
    body={
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "fleets.example.org"},
        "spec": {"group": "example.org", "scope": "Cluster", "names": {"kind": "Fleet"}},
    },
)
ALL = [
    DEFINITION,
    made("Namespace", "shop"),
    made("ConfigMap", "settings"),
    made("ConfigMap", "kept", **KEPT),
    made("ConfigMap", "elsewhere", namespace="monitoring"),
    made("PersistentVolumeClaim", "data"),
    made("Deployment", "web", "apps/v1"),
]
GOES = ["ConfigMap/elsewhere", "ConfigMap/settings", "Deployment/web"]
STAYS = {
    "ConfigMap/kept": "annotated to be kept",
    "CustomResourceDefinition/fleets.example.org": "others may have objects of the kind",
    "Namespace/shop": "only a person deletes one",
    "PersistentVolumeClaim/data": "only a person deletes one",
}


@pytest.fixture
def cluster() -> MemoryCluster:
    return MemoryCluster("shop", "monitoring")


async def put(cluster: MemoryCluster, *objects: KubeObject, heal: bool = True) -> list[Change]:
    """One pass of the agent."""
    found = list(objects or ALL)
    return await apply_set(cluster, "shop", "shop", found, "one", heal=heal, notes=NOTES)


async def only(cluster: MemoryCluster) -> AppliedSet:
    (found,) = await applied_sets(cluster)
    return found


async def test_a_set_says_where_in_git_it_stands(cluster: MemoryCluster) -> None:
    await put(cluster)
    found = await only(cluster)
    assert (found.this_set.app, found.this_set.namespace) == ("shop", "shop")
    assert (found.folder, found.commit) == ("staging/shop", "c" * 40)
    assert found.gone_since is None
    assert await find_set(cluster, "shop", "shop") == found
    assert await find_set(cluster, "cart", "shop") is None


async def test_what_another_tool_has_applied_is_no_set_of_shipways(cluster: MemoryCluster) -> None:
    labels = {SET_ID: "applyset-other-v1"}
    annotations = {"applyset.kubernetes.io/tooling": "kubectl/v1.27", FOLDER: "staging/shop"}
    metadata = {"name": "other", "labels": labels, "annotations": annotations}
    cluster.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    assert await applied_sets(cluster) == []


async def test_that_it_is_gone_is_noted_until_it_is_applied_again(cluster: MemoryCluster) -> None:
    await put(cluster)
    await note_gone(cluster, await only(cluster), AT)
    noted = await only(cluster)
    assert (noted.gone_since, noted.folder) == (AT, "staging/shop")
    assert {change.action for change in await put(cluster)} == {"unchanged"}
    assert (await only(cluster)).gone_since is None


@pytest.mark.parametrize("text", ["", "yesterday"])
async def test_a_note_that_cannot_be_read_is_none(cluster: MemoryCluster, text: str) -> None:
    await put(cluster)
    cluster.parent()["annotations"][GONE_SINCE] = text
    assert (await only(cluster)).gone_since is None


async def test_data_and_what_others_use_stays_and_all_else_goes(cluster: MemoryCluster) -> None:
    await put(cluster)
    seen = await contents_of(cluster, await only(cluster))
    assert not any(line.startswith("delete") for line in cluster.log)
    done = await delete_set(cluster, await only(cluster))
    for goes, stays in (seen, done):
        assert sorted(member.title for member in goes) == GOES
        assert {member.title: why for member, why in stays} == STAYS
    assert cluster.titles() == sorted([*STAYS, "Namespace/monitoring"])
    assert await applied_sets(cluster) == []


async def test_what_only_bears_the_label_and_what_another_set_took_stays(
    cluster: MemoryCluster,
) -> None:
    await put(cluster, made("ConfigMap", "mine"), made("ConfigMap", "moved"))
    labels = cluster.objects["ConfigMap", "shop", "mine"]["metadata"]["labels"]
    copy = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "copy", "labels": labels}}
    await cluster.apply(copy, "shop", "an-operator")
    await apply_set(cluster, "store", "shop", [made("ConfigMap", "moved")], "one")
    found = await find_set(cluster, "shop", "shop")
    assert found is not None
    assert [member.title for member in (await delete_set(cluster, found)).goes] == [
        "ConfigMap/mine"
    ]


async def test_whoever_is_interrupted_begins_again(cluster: MemoryCluster) -> None:
    await put(cluster)
    cluster.fails_to_delete["web"] = api_error(500, "etcd is gone")
    with pytest.raises(RetryError):
        await delete_set(cluster, await only(cluster))
    assert "Deployment/web" in cluster.titles()
    del cluster.fails_to_delete["web"]
    left = await delete_set(cluster, await only(cluster))
    assert [member.title for member in left.goes] == ["Deployment/web"]
    assert await applied_sets(cluster) == []


async def test_what_comes_back_in_the_middle_is_made_again_and_is_no_drift(
    cluster: MemoryCluster,
) -> None:
    await put(cluster)
    cluster.fails_to_delete["web"] = api_error(500, "etcd is gone")
    with pytest.raises(RetryError):
        await delete_set(cluster, await only(cluster))
    assert cluster.parent()["annotations"][APPLIED] == ""
    changes = {one.title: one for one in await put(cluster, heal=False)}
    assert changes["ConfigMap/settings"] == Change(title="ConfigMap/settings", action="created")
    assert not any(one.drift for one in changes.values())


async def test_an_agent_that_may_not_list_them_is_told_what_it_lacks(
    cluster: MemoryCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forbidden(*_: object) -> None:
        raise api_error(403, 'User "agent" cannot list resource "configmaps"')

    monkeypatch.setattr(cluster, "call", forbidden)
    with pytest.raises(RefuseError) as caught:
        await applied_sets(cluster)
    assert 'cannot list resource "configmaps"' in str(caught.value)


@pytest.mark.parametrize(
    ("one", "stays"),
    [
        (made("PersistentVolumeClaim", "data"), True),
        (made("ConfigMap", "kept", **KEPT), True),
        (made("ConfigMap", "other", annotations={"shipway.dev/keep": "false"}), False),
    ],
    ids=["a claim", "annotated", "annotated otherwise"],
)
async def test_what_leaves_a_folder_that_is_there_stays_alike(
    cluster: MemoryCluster, one: KubeObject, *, stays: bool
) -> None:
    await put(cluster, made("ConfigMap", "settings"), one)
    for _ in range(2):
        await put(cluster, made("ConfigMap", "settings"))
        assert (one.title in cluster.titles()) == stays
