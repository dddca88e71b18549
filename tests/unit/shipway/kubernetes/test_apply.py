from __future__ import annotations

import base64
import copy
import hashlib
from typing import Any

import pytest
from kubernetes_asyncio.client import ApiException

from shipway.errors import RefuseError, RetryError
from shipway.kubernetes.apply import _group_kind, apply_set
from shipway.kubernetes.apply_object import Change
from shipway.kubernetes.applyset import APPLIED, KINDS, NAMESPACES, SET_ID, TOOLING, ApplySet
from shipway.kubernetes.differences import Difference, _writer, differences
from shipway.kubernetes.membership import MEMBER
from shipway.kubernetes.objects import KubeObject
from shipway.kubernetes.refused import refused, words_of
from tests.support.memory_cluster import MemoryCluster, api_error


def thing(
    kind: str = "ConfigMap", name: str = "a", api: str = "v1", value: object = "1", **metadata: Any
) -> KubeObject:
    body = {
        "apiVersion": api,
        "kind": kind,
        "metadata": {"name": name, **metadata},
        "data": {"key": value},
    }
    return KubeObject(
        file=f"prod/shop/{name}.yaml",
        api_version=api,
        kind=kind,
        name=name,
        namespace=metadata.get("namespace"),
        body=body,
    )


@pytest.fixture
def cluster() -> MemoryCluster:
    return MemoryCluster("shop")


async def put_in(
    cluster: MemoryCluster, *objects: KubeObject, fingerprint: str = "one"
) -> list[Change]:
    return await apply_set(cluster, "shop", "shop", list(objects), fingerprint)


def done(changes: list[Change]) -> list[tuple[str, str]]:
    return [(change.title, change.action) for change in changes]


async def test_objects_are_created_in_the_order_given(cluster: MemoryCluster) -> None:
    changes = await put_in(cluster, thing(name="b"), thing("Deployment", "web", "apps/v1"))
    assert done(changes) == [("ConfigMap/b", "created"), ("Deployment/web", "created")]
    assert not any(change.drift for change in changes)
    assert cluster.log == [
        "ConfigMap/shipway.shop",
        "ConfigMap/b",
        "Deployment/web",
        "ConfigMap/shipway.shop",
    ]


async def test_every_member_carries_the_sets_id_beside_its_own_labels(
    cluster: MemoryCluster,
) -> None:
    own = thing(labels={"app": "shop"})
    await put_in(cluster, own)
    labels = cluster.objects["ConfigMap", "shop", "a"]["metadata"]["labels"]
    assert labels == {"app": "shop", MEMBER: ApplySet("shipway.shop", "shop").id}
    assert own.body["metadata"] == {"name": "a", "labels": {"app": "shop"}}


async def test_an_object_whose_labels_are_null_is_applied(cluster: MemoryCluster) -> None:
    assert done(await put_in(cluster, thing(labels=None))) == [("ConfigMap/a", "created")]


async def test_the_parent_names_set_tool_kinds_and_what_was_applied(
    cluster: MemoryCluster,
) -> None:
    await put_in(cluster, thing(), thing("Deployment", "web", "apps/v1"), fingerprint="tree")
    assert cluster.parent()["labels"] == {SET_ID: ApplySet("shipway.shop", "shop").id}
    assert cluster.parent()["annotations"] == {
        TOOLING: "shipway/v1",
        KINDS: "ConfigMap,Deployment.apps",
        NAMESPACES: "",
        APPLIED: "tree",
    }


async def test_applying_the_same_again_changes_nothing(cluster: MemoryCluster) -> None:
    await put_in(cluster, thing())
    before = copy.deepcopy(cluster.objects)
    assert done(await put_in(cluster, thing())) == [("ConfigMap/a", "unchanged")]
    assert cluster.objects == before


async def test_a_change_in_git_is_an_update_and_no_drift(cluster: MemoryCluster) -> None:
    await put_in(cluster, thing(value="1"))
    (change,) = await put_in(cluster, thing(value="2"), fingerprint="two")
    assert change == Change(
        title="ConfigMap/a",
        action="updated",
        drift=False,
        differences=(
            Difference(
                field="data.key", live='"1"', desired='"2"', writer="shipway at an unknown time"
            ),
        ),
    )


async def test_a_change_in_the_cluster_is_drift_and_put_back(cluster: MemoryCluster) -> None:
    await put_in(cluster, thing(value="1"))
    live = cluster.objects["ConfigMap", "shop", "a"]
    live["data"]["key"] = "2"
    live["metadata"]["managedFields"] = [
        {"manager": "kubectl-edit", "time": "10:00", "fieldsV1": {"f:data": {"f:key": {}}}}
    ]
    (change,) = await put_in(cluster, thing(value="1"))
    writer = "kubectl-edit at 10:00"
    assert change.drift
    assert change.differences == (
        Difference(field="data.key", live='"2"', desired='"1"', writer=writer),
    )
    assert cluster.objects["ConfigMap", "shop", "a"]["data"] == {"key": "1"}


async def test_an_object_deleted_in_the_cluster_is_drift_and_made_again(
    cluster: MemoryCluster,
) -> None:
    await put_in(cluster, thing())
    del cluster.objects["ConfigMap", "shop", "a"]
    assert await put_in(cluster, thing()) == [
        Change(title="ConfigMap/a", action="created", drift=True)
    ]


async def test_an_object_taken_out_of_git_is_deleted(cluster: MemoryCluster) -> None:
    await put_in(cluster, thing(name="a"), thing(name="b"))
    changes = await put_in(cluster, thing(name="b"), fingerprint="two")
    assert done(changes) == [("ConfigMap/b", "unchanged"), ("ConfigMap/a", "deleted")]
    assert cluster.titles() == ["ConfigMap/b", "Namespace/shop"]


async def test_the_last_object_of_a_kind_is_deleted_and_the_kind_forgotten(
    cluster: MemoryCluster,
) -> None:
    await put_in(cluster, thing(), thing("Widget", "w", "example.org/v1"))
    assert cluster.parent()["annotations"][KINDS] == "ConfigMap,Widget.example.org"
    changes = await put_in(cluster, thing(), fingerprint="two")
    assert done(changes) == [("ConfigMap/a", "unchanged"), ("Widget/w", "deleted")]
    assert cluster.parent()["annotations"][KINDS] == "ConfigMap"


async def test_a_cluster_wide_object_taken_out_of_git_is_deleted(cluster: MemoryCluster) -> None:
    await put_in(cluster, thing(), thing("ClusterRole", "reader", "rbac.authorization.k8s.io/v1"))
    changes = await put_in(cluster, thing(), fingerprint="two")
    assert done(changes)[-1] == ("ClusterRole/reader", "deleted")


async def test_an_object_of_another_namespace_taken_out_of_git_is_deleted() -> None:
    cluster = MemoryCluster("shop", "other")
    await put_in(cluster, thing(), thing(name="far", namespace="other"))
    await put_in(cluster, thing(), fingerprint="two")
    assert "ConfigMap/far" not in cluster.titles()


async def test_what_the_set_does_not_own_is_never_deleted(cluster: MemoryCluster) -> None:
    for name, labels in (("free", None), ("theirs", {MEMBER: "applyset-other-v1"})):
        cluster.put(thing(name=name, labels=labels).body)
    await put_in(cluster, thing())
    await put_in(cluster, thing(name="b"), fingerprint="two")
    assert cluster.titles() == [
        "ConfigMap/b",
        "ConfigMap/free",
        "ConfigMap/theirs",
        "Namespace/shop",
    ]


async def test_a_namespace_taken_out_of_git_stays(cluster: MemoryCluster) -> None:
    await put_in(cluster, thing("Namespace", "extra"), thing())
    await put_in(cluster, thing(), fingerprint="two")
    assert "Namespace/extra" in cluster.titles()


async def test_kinds_of_a_group_that_is_gone_are_passed_over(cluster: MemoryCluster) -> None:
    cluster.served["gone.example.org/v1"] = {"Widget": True}
    await put_in(cluster, thing("Widget", "w", "gone.example.org/v1"))
    del cluster.served["gone.example.org/v1"]
    changes = await put_in(cluster, thing(), fingerprint="two")
    assert done(changes) == [("ConfigMap/a", "created")]


async def test_a_namespace_of_the_set_is_made_before_everything_in_it() -> None:
    cluster = MemoryCluster()
    changes = await put_in(cluster, thing("Namespace", "shop"), thing())
    assert done(changes) == [("Namespace/shop", "created"), ("ConfigMap/a", "created")]
    assert cluster.log[:2] == ["Namespace/shop", "ConfigMap/shipway.shop"]


async def test_a_namespace_is_made_first_even_beside_a_resource_definition() -> None:
    cluster = MemoryCluster()
    changes = await put_in(
        cluster,
        thing("CustomResourceDefinition", "widgets", "apiextensions.k8s.io/v1"),
        thing("Namespace", "shop"),
        thing(),
    )
    assert {change.action for change in changes} == {"created"}


async def test_a_namespace_that_is_missing_is_refused() -> None:
    with pytest.raises(RefuseError) as caught:
        await put_in(MemoryCluster(), thing())
    assert str(caught.value) == (
        "The namespace cannot take the release.\n"
        "  where:     namespace shop\n"
        "  expected:  an existing namespace, or a Namespace among the manifests\n"
        '  got:       namespaces "shop" not found\n'
        "  untouched: the cluster"
    )


async def test_an_object_that_the_server_refuses_is_named(cluster: MemoryCluster) -> None:
    cluster.refuses["b"] = api_error(422, "spec.replicas: Invalid value")
    with pytest.raises(RefuseError) as caught:
        await put_in(cluster, thing(name="a"), thing(name="b"), thing(name="c"))
    assert str(caught.value) == (
        "The API server does not accept ConfigMap/b.\n"
        "  where:     prod/shop/b.yaml\n"
        "  got:       spec.replicas: Invalid value\n"
        "  untouched: this object and those after it\n"
        "  remedy:    correct the manifest in the ops repository"
    )
    assert cluster.titles() == ["ConfigMap/a", "Namespace/shop"]


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_server_that_is_busy_is_tried_again(cluster: MemoryCluster, status: int) -> None:
    cluster.refuses["a"] = api_error(status, "try later")
    with pytest.raises(RetryError):
        await put_in(cluster, thing(name="a"))


async def test_an_apply_that_broke_off_is_not_taken_for_done(cluster: MemoryCluster) -> None:
    await put_in(cluster, thing(name="a"), fingerprint="one")
    cluster.refuses["b"] = api_error(422, "no")
    with pytest.raises(RefuseError):
        await put_in(cluster, thing(name="a", value="2"), thing(name="b"), fingerprint="one")
    assert cluster.parent()["annotations"][APPLIED] == ""
    del cluster.refuses["b"]
    changes = await put_in(cluster, thing(name="a", value="2"), thing(name="b"))
    assert done(changes) == [("ConfigMap/a", "unchanged"), ("ConfigMap/b", "created")]
    assert not any(change.drift for change in changes)


async def test_a_kind_is_listed_before_its_first_member_is_made(cluster: MemoryCluster) -> None:
    cluster.refuses["w"] = api_error(422, "no")
    with pytest.raises(RefuseError):
        await put_in(cluster, thing("Widget", "w", "example.org/v1"))
    assert cluster.parent()["annotations"][KINDS] == "Widget.example.org"


def live(spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a", **metadata}, "spec": spec}


@pytest.mark.parametrize(
    ("before", "after", "fields"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [("spec.a", "1", "2")]),
        ({"a": 1}, {}, [("spec.a", "1", "null")]),
        ({}, {"a": {"b": 1}}, [("spec.a", "null", '{"b": 1}')]),
        ({"l": [1, 2]}, {"l": [1, 3]}, [("spec.l.1", "2", "3")]),
        ({"l": [1]}, {"l": [1, 2]}, [("spec.l", "[1]", "[1, 2]")]),
        ({"l": [{"n": 1}]}, {"l": [{"n": 2}]}, [("spec.l.0.n", "1", "2")]),
        ({"b": 1, "a": 1}, {"b": 2, "a": 2}, [("spec.a", "1", "2"), ("spec.b", "1", "2")]),
        ({"a": "1"}, {"a": 1}, [("spec.a", '"1"', "1")]),
        ({"a": {"b": 1}}, {"a": [1]}, [("spec.a", '{"b": 1}', "[1]")]),
    ],
)
def test_each_field_that_differs_is_named_with_both_values(
    before: dict[str, Any], after: dict[str, Any], fields: list[tuple[str, str, str]]
) -> None:
    found = differences(live(before), live(after))
    assert [(one.field, one.live, one.desired) for one in found] == fields


@pytest.mark.parametrize(
    "key", ["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp"]
)
def test_what_the_server_writes_itself_is_no_difference(key: str) -> None:
    before = {**live({}, **{key: []}), "status": {"replicas": 1}}
    assert differences(before, live({})) == []


def test_a_field_of_the_same_name_elsewhere_is_a_difference() -> None:
    found = differences(live({"generation": 1, "status": 1}), live({"generation": 2, "status": 2}))
    assert [one.field for one in found] == ["spec.generation", "spec.status"]


def entry(manager: str, fields: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"manager": manager, "fieldsV1": fields, **more}


REPLICAS = {"f:spec": {"f:replicas": {}}}


@pytest.mark.parametrize(("position", "writer"), [("0", "edit at 1"), ("1", "flux at 2")])
def test_the_writer_of_an_item_of_a_list_is_told_by_its_key(position: str, writer: str) -> None:
    def held(name: str, manager: str, time: str) -> dict[str, Any]:
        item = {f'k:{{"name":"{name}"}}': {"f:image": {}}}
        return {"manager": manager, "time": time, "fieldsV1": {"f:spec": {"f:containers": item}}}

    entries = [held("b", "flux", "2"), held("a", "edit", "1")]
    pod = {"containers": [{"name": "a", "image": "a"}, {"name": "b", "image": "b"}]}
    body = {"metadata": {"managedFields": entries}, "spec": pod}
    assert _writer(body, ("spec", "containers", position, "image")) == writer


@pytest.mark.parametrize(
    ("key", "position", "writer"),
    [("v:1", "0", "edit at 1"), ("v:1", "1", "flux at 2"), ("i:1", "1", "edit at 1")],
)
def test_the_writer_of_an_item_without_a_key_is_told_by_value_or_place(
    key: str, position: str, writer: str
) -> None:
    mine = {"manager": "edit", "time": "1", "fieldsV1": {"f:data": {key: {}}}}
    other = {"manager": "flux", "time": "2", "fieldsV1": {"f:data": {}}}
    body = {"metadata": {"managedFields": [mine, other]}, "data": [1, 2]}
    assert _writer(body, ("data", position)) == writer


@pytest.mark.parametrize(
    ("entries", "writer"),
    [
        ([], "unknown"),
        ([entry("kubectl", REPLICAS, time="10:00")], "kubectl at 10:00"),
        ([entry("kubectl", REPLICAS)], "kubectl at an unknown time"),
        (
            [entry("shipway", {"f:spec": {}}, time="1"), entry("hpa", REPLICAS, time="2")],
            "hpa at 2",
        ),
        (
            [entry("hpa", REPLICAS, time="2"), entry("shipway", {"f:spec": {}}, time="1")],
            "hpa at 2",
        ),
        ([entry("shipway", REPLICAS, time="1"), entry("hpa", REPLICAS, time="2")], "hpa at 2"),
        ([entry("hpa", REPLICAS, time="2"), entry("shipway", REPLICAS, time="1")], "hpa at 2"),
    ],
    ids=["none", "one", "no time", "deepest last", "deepest first", "tie last", "tie first"],
)
def test_the_writer_is_whoever_holds_the_longest_part_of_the_path(
    entries: list[dict[str, Any]], writer: str
) -> None:
    assert _writer(live({}, managedFields=entries), ("spec", "replicas")) == writer


def test_a_manager_that_holds_nothing_of_the_path_is_not_its_writer() -> None:
    entries = [entry("kubectl", {"f:data": {}}, time="10:00")]
    assert _writer(live({}, managedFields=entries), ("spec", "replicas")) == "unknown"


def test_the_id_of_a_set_is_the_one_that_the_applyset_specification_computes() -> None:
    digest = hashlib.sha256(b"shipway.shop.prod.ConfigMap.").digest()
    expected = base64.b64encode(digest, altchars=b"-_").decode().removesuffix("=")
    assert ApplySet("shipway.shop", "prod").id == f"applyset-{expected}-v1"


def test_the_id_of_a_set_fits_into_a_label() -> None:
    assert len(ApplySet("shipway." + "a" * 63, "b" * 63).id) <= 63


@pytest.mark.parametrize(
    ("version", "kind", "expected"),
    [
        ("v1", "ConfigMap", "ConfigMap"),
        ("apps/v1", "Deployment", "Deployment.apps"),
        ("networking.k8s.io/v1", "Ingress", "Ingress.networking.k8s.io"),
    ],
)
def test_a_group_kind_is_written_as_the_specification_says(
    version: str, kind: str, expected: str
) -> None:
    assert _group_kind(version, kind) == expected


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"message": "no such field"}', "no such field"),
        ("<html>", "Reason"),
        ("{}", "Reason"),
        ("[]", "Reason"),
        (None, "Reason"),
    ],
)
def test_the_words_of_an_answer_are_its_message_or_its_reason(body: str | None, words: str) -> None:
    error = ApiException(status=422, reason="Reason")
    error.body = body
    assert words_of(error) == words


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (422, "port 80000 is invalid", RefuseError),
        (429, "too many requests", RetryError),
        (503, "etcd is away", RetryError),
        (
            500,
            "failed to create typed patch object: .spec.replcas: field not declared",
            RefuseError,
        ),
        (500, "failed to convert new object: illegal base64 data at input byte 4", RefuseError),
    ],
)
def test_only_a_server_that_fails_is_asked_again(
    status: int, message: str, kind: type[Exception]
) -> None:
    error = refused(api_error(status, message), thing("Service", "web"))
    assert isinstance(error, kind)
    assert message in str(error.facts["got"])
