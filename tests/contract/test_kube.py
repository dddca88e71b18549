"""What apply_set needs of a cluster, asked of the fake and of the real one alike."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiException

from blocks.cluster import Cluster
from shipway.errors import RefuseError
from shipway.kubernetes.apply import apply_set
from shipway.kubernetes.apply_object import Change
from shipway.kubernetes.applyset import APPLIED, KINDS, NAMESPACES
from shipway.kubernetes.membership import MEMBER
from shipway.kubernetes.objects import KubeObject
from tests.support.memory_cluster import MemoryCluster


class Place:
    """A namespace of a test's own, on either kind of cluster."""

    def __init__(self, client: Any, namespace: str) -> None:
        self.client = client
        self.namespace = namespace

    async def put(self, *objects: KubeObject, fingerprint: str = "one") -> list[Change]:
        """Apply a set called `shop`."""
        return await apply_set(self.client, "shop", self.namespace, list(objects), fingerprint)

    async def get(self, name: str) -> dict[str, Any] | None:
        """A ConfigMap."""
        return await self.client.get("v1", "ConfigMap", name, self.namespace)

    async def parent(self) -> dict[str, Any]:
        """The set's parent."""
        found = await self.get("shipway.shop")
        assert found is not None
        return found["metadata"]


@pytest.fixture(params=["memory", "real"])
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    name = f"contract-{uuid.uuid4().hex[:6]}"
    if request.param == "memory":
        yield Place(MemoryCluster(name), name)
        return
    request.getfixturevalue("cluster_is_up")
    block = await Cluster.aload("staging")
    async with block.client() as client:
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        await client.apply(namespace, None, "test")
        yield Place(client, name)
        await client.delete("v1", "Namespace", name, None)


def config(name: str, value: str = "1", *, immutable: bool = False, **metadata: Any) -> KubeObject:
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, **metadata},
        "data": {"key": value},
        **({"immutable": True} if immutable else {}),
    }
    return KubeObject(
        file=f"{name}.yaml",
        api_version="v1",
        kind="ConfigMap",
        name=name,
        namespace=metadata.get("namespace"),
        body=body,
    )


RBAC = "rbac.authorization.k8s.io/v1"


def cluster_role(name: str, **metadata: Any) -> KubeObject:
    head = {"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": name, **metadata}}
    return KubeObject(
        file=f"{name}.yaml",
        api_version=RBAC,
        kind="ClusterRole",
        name=name,
        namespace=metadata.get("namespace"),
        body={**head, "rules": []},
    )


def job(name: str) -> KubeObject:
    """A Job that does not start, and would go by itself."""
    containers = [{"name": "c", "image": "c"}]
    body: dict[str, Any] = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {
            "suspend": True,
            "ttlSecondsAfterFinished": 60,
            "template": {"spec": {"restartPolicy": "Never", "containers": containers}},
        },
    }
    return KubeObject(
        file=f"{name}.yaml",
        api_version="batch/v1",
        kind="Job",
        name=name,
        namespace=None,
        body=body,
    )


def by(place: Place, manager: str) -> tuple[str, str]:
    """Where to apply, and who does."""
    return place.namespace, manager


def done(changes: list[Change]) -> list[tuple[str, str, bool]]:
    return [(change.title, change.action, change.drift) for change in changes]


async def test_objects_are_created_and_marked_as_the_sets(place: Place) -> None:
    assert done(await place.put(config("a", labels={"own": "label"}))) == [
        ("ConfigMap/a", "created", False)
    ]
    found = await place.get("a")
    assert found is not None
    assert found["data"] == {"key": "1"}
    parent = await place.parent()
    (set_id,) = parent["labels"].values()
    assert found["metadata"]["labels"] == {"own": "label", MEMBER: set_id}
    assert parent["annotations"][KINDS] == "ConfigMap"
    assert parent["annotations"][APPLIED] == "one"


async def test_the_same_again_changes_nothing(place: Place) -> None:
    await place.put(config("a"))
    before = await place.get("a")
    assert done(await place.put(config("a"))) == [("ConfigMap/a", "unchanged", False)]
    assert await place.get("a") == before


async def test_a_change_in_git_is_an_update_and_no_drift(place: Place) -> None:
    await place.put(config("a"))
    (change,) = await place.put(config("a", "2"), fingerprint="two")
    assert (change.action, change.drift) == ("updated", False)
    (difference,) = change.differences
    assert (difference.field, difference.live, difference.desired) == ("data.key", '"1"', '"2"')


async def test_a_change_in_the_cluster_is_drift_and_is_put_back(place: Place) -> None:
    await place.put(config("a"))
    by_hand = await place.get("a")
    assert by_hand is not None
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "labels": by_hand["metadata"]["labels"]},
        "data": {"key": "by hand"},
    }
    await place.client.apply(body, place.namespace, "shipway")
    (change,) = await place.put(config("a"))
    assert (change.action, change.drift) == ("updated", True)
    found = await place.get("a")
    assert found is not None
    assert found["data"] == {"key": "1"}


async def test_what_git_no_longer_has_is_deleted_and_nothing_else(place: Place) -> None:
    other = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "theirs"},
        "data": {"key": "theirs"},
    }
    await place.client.apply(other, place.namespace, "shipway")
    await place.put(config("a"), config("b"))
    changes = await place.put(config("a"), fingerprint="two")
    assert done(changes) == [
        ("ConfigMap/a", "unchanged", False),
        ("ConfigMap/b", "deleted", False),
    ]
    assert await place.get("b") is None
    assert await place.get("theirs") is not None


async def test_what_was_deleted_by_hand_is_drift_and_comes_back(place: Place) -> None:
    await place.put(config("a"))
    await place.client.delete("v1", "ConfigMap", "a", place.namespace)
    assert done(await place.put(config("a"))) == [("ConfigMap/a", "created", True)]


async def test_a_dry_run_leaves_everything_as_it_is(place: Place) -> None:
    await place.put(config("a"))
    before = await place.get("a")
    body = config("a", "2").body
    wanted = await place.client.apply(body, place.namespace, "shipway", dry_run=True)
    assert wanted["data"] == {"key": "2"}
    assert await place.get("a") == before


async def test_a_list_holds_what_the_selector_matches(place: Place) -> None:
    await place.put(config("a"), config("b"))
    (set_id,) = (await place.parent())["labels"].values()
    for selector, names in ((f"{MEMBER}={set_id}", ["a", "b"]), (f"{MEMBER}=other", [])):
        found = await place.client.list("v1", "ConfigMap", place.namespace, selector)
        assert sorted(one["metadata"]["name"] for one in found) == names


async def test_a_namespace_that_is_not_there_is_refused(place: Place) -> None:
    place.namespace = "nowhere-to-be-found"
    with pytest.raises(RefuseError) as caught:
        await place.put(config("a"))
    assert caught.value.what == "The namespace cannot take the release."
    assert caught.value.facts["got"] == 'namespaces "nowhere-to-be-found" not found'


async def test_what_is_not_there_reads_as_none_and_cannot_be_deleted(place: Place) -> None:
    assert await place.get("none") is None
    with pytest.raises(ApiException) as caught:
        await place.client.delete("v1", "ConfigMap", "none", place.namespace)
    assert caught.value.status == 404


@pytest.mark.parametrize(
    ("group", "kind", "version"),
    [
        ("", "ConfigMap", "v1"),
        ("", "Deployment", None),
        ("apps", "Deployment", "apps/v1"),
        ("apps", "ConfigMap", None),
        ("none", "ConfigMap", None),
    ],
)
async def test_a_version_that_has_a_kind(
    place: Place, group: str, kind: str, version: str | None
) -> None:
    assert await place.client.served_version(group, kind) == version


async def test_a_stray_namespace_of_what_has_none_is_no_part_of_what_it_is(place: Place) -> None:
    name = f"reader-{place.namespace}"
    role = cluster_role(name, namespace="monitoring")
    for action in ("created", "unchanged"):
        assert done(await place.put(role)) == [(f"ClusterRole/{name}", action, False)]
    found = await place.client.get(RBAC, "ClusterRole", name, None)
    assert "namespace" not in found["metadata"]
    assert (await place.parent())["annotations"][NAMESPACES] == ""
    changes = await place.put(config("a"), fingerprint="two")
    assert (f"ClusterRole/{name}", "deleted", False) in done(changes)
    assert await place.client.get(RBAC, "ClusterRole", name, None) is None


async def test_a_namespace_that_is_empty_or_named_is_the_sets(place: Place) -> None:
    await place.put(config("a", namespace=""), config("b", namespace=place.namespace))
    uids = [(await place.get(name) or {})["metadata"]["uid"] for name in ("a", "b")]
    changes = await place.put(config("a", namespace=place.namespace), config("b"))
    assert done(changes) == [
        ("ConfigMap/a", "unchanged", False),
        ("ConfigMap/b", "unchanged", False),
    ]
    assert [(await place.get(name) or {})["metadata"]["uid"] for name in ("a", "b")] == uids
    assert len(set(uids)) == 2


async def test_a_namespace_that_is_not_the_requests_is_refused(place: Place) -> None:
    with pytest.raises(ApiException) as caught:
        await place.client.apply(config("a", namespace="other").body, place.namespace, "test")
    assert caught.value.status == 400


async def test_an_annotation_is_set_and_all_else_stays(place: Place) -> None:
    await place.put(config("a", annotations={"a": "1"}))
    await place.client.annotate("v1", "ConfigMap", "a", place.namespace, {"b": "2"})
    found = await place.get("a")
    assert found is not None
    assert found["data"] == {"key": "1"}
    assert {"a": "1", "b": "2"}.items() <= found["metadata"]["annotations"].items()
    with pytest.raises(ApiException) as missing:
        await place.client.annotate("v1", "ConfigMap", "b", place.namespace, {"b": "2"})
    assert missing.value.status == 404


async def test_a_label_that_another_copied_marks_no_member(place: Place) -> None:
    await place.put(config("a"))
    labels = (await place.get("a") or {})["metadata"]["labels"]
    await place.client.apply(config("copy", labels=labels).body, place.namespace, "operator")
    assert done(await place.put(config("a"))) == [("ConfigMap/a", "unchanged", False)]
    assert await place.get("copy") is not None


async def test_what_is_immutable_is_refused_and_both_ways_on_are_named(place: Place) -> None:
    await place.put(config("a", immutable=True))
    with pytest.raises(RefuseError) as caught:
        await place.put(config("a", "2", immutable=True), fingerprint="two")
    assert caught.value.what == "The API server does not change ConfigMap/a."
    assert "shipway.dev/replace" in str(caught.value)
    assert "shipway.dev/create-once" in str(caught.value)


async def test_what_is_immutable_is_replaced_where_that_is_asked(place: Place) -> None:
    asked = {"annotations": {"shipway.dev/replace": "true"}}
    await place.put(config("a", immutable=True, **asked))
    before = await place.get("a") or {}
    again = config("a", "2", immutable=True, **asked)
    assert done(await place.put(again, fingerprint="two")) == [("ConfigMap/a", "replaced", False)]
    found = await place.get("a") or {}
    assert found["data"] == {"key": "2"}
    assert found["metadata"]["uid"] != before["metadata"]["uid"]
    assert done(await place.put(again, fingerprint="two")) == [("ConfigMap/a", "unchanged", False)]


async def test_what_is_created_once_is_not_touched_again(place: Place) -> None:
    asked = {"annotations": {"shipway.dev/create-once": "true"}}
    await place.put(config("a", **asked))
    changes = await place.put(config("a", "2", **asked), fingerprint="two")
    assert done(changes) == [("ConfigMap/a", "unchanged", False)]
    assert (await place.get("a") or {})["data"] == {"key": "1"}


async def test_a_field_that_is_ignored_is_the_other_managers(place: Place) -> None:
    asked = {"annotations": {"shipway.dev/ignore": "/data/key"}}
    await place.put(config("a", **asked))
    await place.client.apply(config("a", "theirs").body, *by(place, "other"))
    assert done(await place.put(config("a", **asked))) == [("ConfigMap/a", "unchanged", False)]
    labelled = config("a", labels={"new": "label"}, **asked)
    changes = await place.put(labelled, fingerprint="two")
    assert done(changes) == [("ConfigMap/a", "updated", False)]
    assert (await place.get("a") or {})["data"] == {"key": "theirs"}


async def test_a_job_that_went_by_itself_does_not_come_again(place: Place) -> None:
    assert done(await place.put(job("j"))) == [("Job/j", "created", False)]
    assert done(await place.put(job("j"))) == [("Job/j", "unchanged", False)]
    await place.client.delete("batch/v1", "Job", "j", place.namespace)
    assert done(await place.put(job("j"))) == [("Job/j", "unchanged", False)]
    assert await place.client.get("batch/v1", "Job", "j", place.namespace) is None


async def test_a_field_goes_with_the_last_manager_that_names_it(place: Place) -> None:
    await place.client.apply(config("a", "1", labels={"x": "1", "y": "1"}).body, *by(place, "one"))
    await place.client.apply(config("a", "2", labels={"x": "1"}).body, *by(place, "two"))
    applied = await place.client.apply(config("a", "2").body, *by(place, "one"))
    assert applied["metadata"]["labels"] == {"x": "1"}
    assert applied["data"] == {"key": "2"}


@pytest.mark.parametrize(
    ("version", "kind", "namespaced"),
    [
        ("v1", "ConfigMap", True),
        ("v1", "Namespace", False),
        ("apps/v1", "Deployment", True),
        (RBAC, "ClusterRole", False),
    ],
)
async def test_a_kind_is_known_with_its_scope(
    place: Place, version: str, kind: str, namespaced: bool
) -> None:
    assert (await place.client.resource(version, kind)).namespaced is namespaced
