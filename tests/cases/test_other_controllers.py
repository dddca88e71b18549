"""Fields that another controller owns stay as they are."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from shipway.errors import RefuseError
from shipway.kubernetes.apply import Change, apply_set
from shipway.kubernetes.dry_run import refusals
from shipway.kubernetes.objects import KubeObject, read_objects
from tests.support.memory_cluster import MemoryCluster

Object = dict[str, Any]

IGNORE = "shipway.dev/ignore"


def workload(
    spec: Object, ignore: str | None = None, kind: str = "Deployment", **metadata: Any
) -> Object:
    annotations = {"annotations": {IGNORE: ignore}} if ignore is not None else {}
    head = {"apiVersion": "apps/v1", "kind": kind}
    return {**head, "metadata": {"name": "web", **annotations, **metadata}, "spec": spec}


def config(ignore: str, **data: str) -> Object:
    metadata = {"name": "web", "annotations": {IGNORE: ignore}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def autoscaler(kind: str = "Deployment", name: str = "web", **metadata: Any) -> Object:
    target = {"apiVersion": "apps/v1", "kind": kind, "name": name}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", **metadata},
        "spec": {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 9},
    }


def folder(*bodies: Object) -> list[KubeObject]:
    return read_objects({"all.yaml": yaml.safe_dump_all(bodies).encode()}, "staging/shop")


async def put(cluster: MemoryCluster, *bodies: Object) -> list[Change]:
    text = yaml.safe_dump_all(bodies)
    return await apply_set(cluster, "shop", "shop", folder(*bodies), text)


def at(body: Any, path: str) -> Any:
    for part in path.split("."):
        body = body[int(part)] if isinstance(body, list) else body[part]
    return body


def image(tag: str) -> Object:
    return {"template": {"spec": {"containers": [{"name": "c", "image": tag}]}}}


# What Git says, what the other controller writes, where, and its value.
STAYS: dict[str, tuple[list[Object], Object, str, Any]] = {
    "replicas of a Deployment that an autoscaler scales": (
        [workload({"replicas": 3}), autoscaler()],
        workload({"replicas": 7}),
        "spec.replicas",
        7,
    ),
    "replicas of a StatefulSet that an autoscaler scales": (
        [workload({"replicas": 3}, kind="StatefulSet"), autoscaler("StatefulSet")],
        workload({"replicas": 7}, kind="StatefulSet"),
        "spec.replicas",
        7,
    ),
    "replicas that Git does not have": (
        [workload({"paused": False}), autoscaler()],
        workload({"replicas": 7}),
        "spec.replicas",
        7,
    ),
    "replicas, annotated": (
        [workload({"replicas": 3}, "/spec/replicas")],
        workload({"replicas": 7}),
        "spec.replicas",
        7,
    ),
    "a field in a list": (
        [workload(image("a"), "/spec/template/spec/containers/0/image")],
        workload(image("b")),
        "spec.template.spec.containers.0.image",
        "b",
    ),
    "a key with a slash": (
        [config("/metadata/annotations/a~1b"), autoscaler()],
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "web", "annotations": {"a/b": "theirs"}},
        },
        "metadata.annotations.a/b",
        "theirs",
    ),
    "the second of two": (
        [config("/data/a, /data/b", a="1", b="1", c="1")],
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "web"},
            "data": {"b": "2"},
        },
        "data.b",
        "2",
    ),
    "all of a mapping": (
        [config("/data", a="1")],
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "web"},
            "data": {"a": "2", "b": "2"},
        },
        "data",
        {"a": "2", "b": "2"},
    ),
}


@pytest.mark.parametrize("case", STAYS.values(), ids=STAYS.keys())
async def test_a_field_of_another_controller_stays(
    case: tuple[list[Object], Object, str, Any],
) -> None:
    bodies, theirs, path, value = case
    cluster = MemoryCluster("shop")
    await put(cluster, *bodies)
    await cluster.apply(theirs, "shop", "their-controller")
    assert {change.action for change in await put(cluster, *bodies)} == {"unchanged"}
    first, *rest = bodies
    labelled = {**first, "metadata": {**first["metadata"], "labels": {"new": "label"}}}
    assert await refusals(cluster, "shop", folder(labelled, *rest)) == {}
    changes = await put(cluster, labelled, *rest)
    assert max(change.action for change in changes) == "updated"
    found = await cluster.get(first["apiVersion"], first["kind"], "web", "shop")
    assert at(found, path) == value
    assert found is not None
    assert found["metadata"]["labels"]["new"] == "label"


PUT_BACK = {
    "of another workload": autoscaler(name="other"),
    "of another kind": autoscaler("StatefulSet"),
    "of another namespace": autoscaler(namespace="other"),
    "no autoscaler": config(""),
    "an annotation of another field": config("/spec/replicas"),
}


@pytest.mark.parametrize("other", PUT_BACK.values(), ids=PUT_BACK.keys())
async def test_replicas_that_nobody_else_owns_are_put_back(other: Object) -> None:
    cluster = MemoryCluster("shop", "other")
    bodies = [workload({"replicas": 3}), other]
    await put(cluster, *bodies)
    await cluster.apply(workload({"replicas": 7}), "shop", "kubectl")
    assert any(change.drift for change in await put(cluster, *bodies))
    found = await cluster.get("apps/v1", "Deployment", "web", "shop")
    assert found is not None
    assert found["spec"]["replicas"] == 3


# Who no longer applies a field that was its own deletes it: one replica is left (kubernetes docs,
# "migrating Deployments to horizontal autoscaling").
@pytest.mark.parametrize(
    "later",
    [
        [workload({"paused": False}), autoscaler()],
        [workload({"paused": False}, "/spec/replicas")],
        [workload({"replicas": 5}), autoscaler()],
    ],
    ids=["an autoscaler comes", "an annotation comes", "and Git says another number"],
)
async def test_what_was_applied_before_stays_until_the_other_writes(later: list[Object]) -> None:
    cluster = MemoryCluster("shop")
    await put(cluster, workload({"replicas": 3, "paused": True}))
    for _ in range(2):
        await put(cluster, *later)
        found = await cluster.get("apps/v1", "Deployment", "web", "shop")
        assert found is not None
        assert found["spec"]["replicas"] == 3


async def test_what_is_new_gets_what_git_says() -> None:
    cluster = MemoryCluster("shop")
    await put(cluster, workload({"replicas": 3}), autoscaler())
    assert cluster.objects["Deployment.apps", "shop", "web"]["spec"] == {"replicas": 3}


# No autoscaler scales to zero or from it.
@pytest.mark.parametrize(
    ("in_git", "live", "ignore", "expected"),
    [
        (3, 0, None, 3),
        (0, 7, None, 0),
        (0, 0, None, 0),
        (3, 0, "/spec/replicas", 0),
        (0, 7, "/spec/replicas", 7),
    ],
    ids=["from zero", "to zero", "at zero", "from zero, annotated", "to zero, annotated"],
)
async def test_zero_replicas_are_for_git(
    in_git: int, live: int, ignore: str | None, expected: int
) -> None:
    cluster = MemoryCluster("shop")
    await put(cluster, workload({"replicas": 3}, ignore), autoscaler())
    await cluster.apply(workload({"replicas": live}), "shop", "their-controller")
    for _ in range(2):
        await put(cluster, workload({"replicas": in_git}, ignore), autoscaler())
        found = cluster.objects["Deployment.apps", "shop", "web"]
        assert found["spec"]["replicas"] == expected


@pytest.mark.parametrize(
    "pointer",
    [
        "/kind",
        "/apiVersion",
        "/metadata",
        "/metadata/name",
        "/",
        "spec/replicas",
        "spec.replicas",
        "/spec//replicas",
    ],
)
async def test_what_cannot_be_ignored_is_refused(pointer: str) -> None:
    cluster = MemoryCluster("shop")
    with pytest.raises(RefuseError) as caught:
        await put(cluster, config(f"/data/a,{pointer}"))
    assert caught.value.facts["got"] == pointer
    assert cluster.log == []
