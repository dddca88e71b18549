from __future__ import annotations

from typing import Any

import pytest

from shipway.errors import RefuseError, RetryError
from shipway.kubernetes.membership import (
    FIELD_MANAGER,
    MEMBER,
    Identity,
    identities,
    identity_of,
    is_marked,
    marked,
)
from shipway.kubernetes.objects import KubeObject
from tests.support.memory_cluster import MemoryCluster, api_error

HELD = {"f:metadata": {"f:labels": {f"f:{MEMBER}": {}}}}


def thing(
    kind: str,
    api: str = "v1",
    namespace: str | None = None,
    name: str = "a",
    spec: object = None,
) -> KubeObject:
    return KubeObject(
        file=f"prod/shop/{kind}.yaml",
        api_version=api,
        kind=kind,
        name=name,
        namespace=namespace,
        body={"metadata": {"name": name}, "spec": spec},
    )


def definition(kind: str, scope: str) -> KubeObject:
    spec = {"group": "new.example.org", "scope": scope, "names": {"kind": kind}}
    return thing("CustomResourceDefinition", "apiextensions.k8s.io/v1", name=kind, spec=spec)


class BusyCluster(MemoryCluster):
    """A cluster whose API server is overloaded."""

    async def call(self, *_: object) -> Any:
        raise api_error(503, "try later")


@pytest.mark.parametrize(
    ("one", "identity"),
    [
        (thing("ConfigMap"), Identity("", "ConfigMap", "shop", "a")),
        (thing("ConfigMap", namespace="web"), Identity("", "ConfigMap", "web", "a")),
        (thing("Deployment", "apps/v1"), Identity("apps", "Deployment", "shop", "a")),
        (thing("PersistentVolume", namespace="web"), Identity("", "PersistentVolume", None, "a")),
    ],
    ids=["no namespace", "another namespace", "a group", "a kind without namespaces"],
)
async def test_an_object_is_known_by_the_scope_that_the_server_gives_it(
    one: KubeObject, identity: Identity
) -> None:
    assert await identity_of(MemoryCluster("shop"), one, "shop") == identity
    assert await identities(MemoryCluster("shop"), [one], "shop") == [identity]


async def test_a_kind_that_is_not_served_is_refused() -> None:
    with pytest.raises(RefuseError, match="The cluster has no kind 'Boat'"):
        await identity_of(MemoryCluster(), thing("Boat"), "shop")


async def test_a_server_that_is_busy_is_asked_again_about_the_object() -> None:
    with pytest.raises(RetryError) as caught:
        await identity_of(BusyCluster(), thing("ConfigMap"), "shop")
    assert caught.value.what == "The API server cannot take ConfigMap/a now."
    assert caught.value.facts["where"] == "prod/shop/ConfigMap.yaml"


@pytest.mark.parametrize(
    ("scope", "namespace", "where"),
    [
        ("Cluster", None, None),
        ("Cluster", "web", None),
        ("Namespaced", None, "shop"),
        ("Namespaced", "web", "web"),
    ],
)
async def test_a_kind_that_the_folder_defines_has_the_scope_of_its_definition(
    scope: str, namespace: str | None, where: str | None
) -> None:
    folder = [definition("Raft", scope), thing("Raft", "new.example.org/v1", namespace)]
    known = await identities(MemoryCluster(), folder, "shop")
    assert known[1] == Identity("new.example.org", "Raft", where, "a")


async def test_a_definition_says_nothing_of_another_group_or_kind() -> None:
    folder = [
        definition("Raft", "Cluster"),
        thing("Raft", "old.example.org/v1"),
        thing("Boat", "new.example.org/v1"),
    ]
    known = await identities(MemoryCluster(), folder, "shop")
    assert [each.namespace for each in known] == [None, "shop", "shop"]


@pytest.mark.parametrize(
    "spec", [None, {}, {"scope": "Cluster"}, {"scope": "Cluster", "names": None}]
)
async def test_a_definition_that_says_too_little_is_left_to_the_server(spec: object) -> None:
    broken = thing("CustomResourceDefinition", "apiextensions.k8s.io/v1", name="raft", spec=spec)
    folder = [broken, thing("Raft", "new.example.org/v1")]
    known = await identities(MemoryCluster(), folder, "shop")
    assert known[1].namespace == "shop"


async def test_another_kind_with_the_spec_of_a_definition_defines_nothing() -> None:
    spec = {"group": "new.example.org", "scope": "Cluster", "names": {"kind": "Raft"}}
    folder = [thing("ConfigMap", spec=spec), thing("Raft", "new.example.org/v1")]
    known = await identities(MemoryCluster(), folder, "shop")
    assert known[1].namespace == "shop"


async def test_an_object_that_stands_twice_names_both_places() -> None:
    twice = thing("ConfigMap", namespace="shop").model_copy(update={"file": "prod/shop/b.yaml"})
    with pytest.raises(RefuseError) as caught:
        await identities(MemoryCluster(), [thing("ConfigMap"), twice], "shop")
    assert caught.value.what == "ConfigMap/a stands twice."
    assert caught.value.facts["where"] == "prod/shop/b.yaml"
    assert caught.value.facts["got"] == "first in prod/shop/ConfigMap.yaml"


@pytest.mark.parametrize("labels", [{}, {"labels": None}, {"labels": {MEMBER: "other"}}])
def test_a_member_has_the_sets_label_and_no_namespace(labels: dict[str, Any]) -> None:
    body = {"kind": "ConfigMap", "metadata": {"name": "a", "namespace": "web", **labels}}
    assert marked(body, "set") == {
        "kind": "ConfigMap",
        "metadata": {"name": "a", "labels": {MEMBER: "set"}},
    }


def test_a_member_keeps_its_own_labels() -> None:
    body = {"metadata": {"name": "a", "labels": {"app": "shop"}}}
    assert marked(body, "set")["metadata"]["labels"] == {"app": "shop", MEMBER: "set"}


@pytest.mark.parametrize(
    ("entries", "is_member"),
    [
        ([{"manager": FIELD_MANAGER, "fieldsV1": HELD}], True),
        ([{"manager": "kubectl"}, {"manager": FIELD_MANAGER, "fieldsV1": HELD}], True),
        ([{"manager": "kubectl", "fieldsV1": HELD}], False),
        ([{"manager": FIELD_MANAGER, "fieldsV1": {"f:metadata": {"f:labels": {}}}}], False),
        ([{"manager": FIELD_MANAGER, "fieldsV1": {"f:metadata": {}}}], False),
        ([{"manager": FIELD_MANAGER, "fieldsV1": {}}], False),
        ([{"manager": FIELD_MANAGER}], False),
        ([], False),
        (None, False),
    ],
    ids=[
        "Shipway",
        "Shipway among others",
        "somebody else",
        "other labels",
        "no labels",
        "nothing",
        "no fields",
        "nobody",
        "no managers",
    ],
)
def test_only_what_shipway_itself_marked_is_a_member(
    entries: list[dict[str, Any]] | None, is_member: bool
) -> None:
    metadata = {"name": "a"} if entries is None else {"name": "a", "managedFields": entries}
    assert is_marked({"metadata": metadata}) == is_member
