"""What cannot be changed is replaced or left alone where asked, and refused with both named."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from shipway.errors import RefuseError, RetryError
from shipway.kubernetes.apply import Change, apply_set
from shipway.kubernetes.dry_run import refusals
from shipway.kubernetes.objects import KubeObject, read_objects
from tests.support.memory_cluster import MemoryCluster, api_error

REPLACE, CREATE_ONCE = "shipway.dev/replace", "shipway.dev/create-once"
RBAC = "rbac.authorization.k8s.io/v1"


def with_image(image: str) -> dict[str, Any]:
    containers = [{"name": "c", "image": image}]
    return {"template": {"spec": {"restartPolicy": "Never", "containers": containers}}}


def role(name: str) -> dict[str, Any]:
    return {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}}


# What Kubernetes does not change: kind, before, after.
CHANGES: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "a Job's pods": ("batch/v1", "Job", {"spec": with_image("a")}, {"spec": with_image("b")}),
    "a RoleBinding's role": (RBAC, "RoleBinding", role("a"), role("b")),
    "a ClusterRoleBinding's role": (RBAC, "ClusterRoleBinding", role("a"), role("b")),
    "a Deployment's selector": (
        "apps/v1",
        "Deployment",
        {"spec": {"selector": {"matchLabels": {"app": "a"}}}},
        {"spec": {"selector": {"matchLabels": {"app": "b"}}}},
    ),
    "a StatefulSet's claims": (
        "apps/v1",
        "StatefulSet",
        {"spec": {"volumeClaimTemplates": [{"metadata": {"name": "a"}}]}},
        {"spec": {"volumeClaimTemplates": [{"metadata": {"name": "b"}}]}},
    ),
    "an immutable ConfigMap": (
        "v1",
        "ConfigMap",
        {"immutable": True, "data": {"key": "a"}},
        {"immutable": True, "data": {"key": "b"}},
    ),
    "an immutable Secret": (
        "v1",
        "Secret",
        {"immutable": True, "stringData": {"k": "a"}, "data": {"key": "YQ=="}},
        {"immutable": True, "stringData": {"k": "a"}, "data": {"key": "Yg=="}},
    ),
}
Case = tuple[str, str, dict[str, Any], dict[str, Any]]
cases = pytest.mark.parametrize("case", CHANGES.values(), ids=CHANGES.keys())


def made(case: Case, which: int, asks: str = "") -> KubeObject:
    """The object before (2) or after (3)."""
    metadata = {"name": "x", "annotations": {asks: "true"} if asks else {}}
    body = {"apiVersion": case[0], "kind": case[1], "metadata": metadata, **case[which]}
    (found,) = read_objects({"x.yaml": yaml.safe_dump(body).encode()}, "staging/shop")
    return found


async def put(
    cluster: MemoryCluster, each: KubeObject, fingerprint: str, *, heal: bool = True
) -> Change:
    (change,) = await apply_set(cluster, "shop", "shop", [each], fingerprint, heal=heal)
    return change


async def uid(cluster: MemoryCluster, case: Case) -> str:
    namespaced = case[1] != "ClusterRoleBinding"
    found = await cluster.get(case[0], case[1], "x", "shop" if namespaced else None)
    assert found is not None
    return found["metadata"]["uid"]


@cases
async def test_it_is_refused_and_both_ways_on_are_named(case: Case) -> None:
    cluster = MemoryCluster("shop")
    await put(cluster, made(case, 2), "one")
    before = await uid(cluster, case)
    with pytest.raises(RefuseError) as caught:
        await put(cluster, made(case, 3), "two")
    assert caught.value.what == f"The API server does not change {case[1]}/x."
    assert 'shipway.dev/replace: "true"' in str(caught.value.facts["remedy"])
    assert 'shipway.dev/create-once: "true"' in str(caught.value.facts["remedy"])
    assert await uid(cluster, case) == before
    ((title, words),) = (await refusals(cluster, "shop", [made(case, 3)])).items()
    assert title == f"staging/shop/x.yaml: {case[1]}/x"
    assert REPLACE in words
    assert CREATE_ONCE in words


@cases
async def test_it_is_replaced_where_that_is_asked(case: Case) -> None:
    cluster = MemoryCluster("shop")
    await put(cluster, made(case, 2, REPLACE), "one")
    before = await uid(cluster, case)
    assert await refusals(cluster, "shop", [made(case, 3, REPLACE)]) == {}
    change = await put(cluster, made(case, 3, REPLACE), "two")
    assert (change.action, change.drift) == ("replaced", False)
    assert change.differences
    assert await uid(cluster, case) != before
    assert (await put(cluster, made(case, 3, REPLACE), "two")).action == "unchanged"


@cases
async def test_it_is_never_touched_once_created(case: Case) -> None:
    cluster = MemoryCluster("shop")
    await put(cluster, made(case, 2, CREATE_ONCE), "one")
    before = await uid(cluster, case)
    assert await refusals(cluster, "shop", [made(case, 3, CREATE_ONCE)]) == {}
    change = await put(cluster, made(case, 3, CREATE_ONCE), "two")
    assert (change.action, change.drift) == ("unchanged", False)
    assert await uid(cluster, case) == before


@cases
async def test_drift_that_is_only_told_of_replaces_nothing(case: Case) -> None:
    cluster = MemoryCluster("shop")
    await put(cluster, made(case, 2, REPLACE), "one")
    before = await uid(cluster, case)
    await put(cluster, made(case, 2, REPLACE), "two")
    cluster.parent()["annotations"]["shipway.dev/applied"] = "two"
    change = await put(cluster, made(case, 3, REPLACE), "two", heal=False)
    assert (change.action, change.drift) == ("left", True)
    assert await uid(cluster, case) == before


JOB = CHANGES["a Job's pods"]


async def test_what_would_not_be_taken_as_new_is_not_deleted() -> None:
    cluster = MemoryCluster("shop")
    await put(cluster, made(JOB, 2, REPLACE), "one")
    before = await uid(cluster, JOB)
    wrong = made(JOB, 3, REPLACE)
    wrong.body["spec"]["template"]["spec"]["restartPolicy"] = "Sometimes"
    with pytest.raises(RefuseError) as caught:
        await put(cluster, wrong, "two")
    assert caught.value.what == "The API server does not accept Job/x."
    assert "Unsupported value" in str(caught.value)
    assert await uid(cluster, JOB) == before


@pytest.mark.parametrize("status", [400, 403, 404, 409])
async def test_another_refusal_replaces_nothing(status: int) -> None:
    cluster = MemoryCluster("shop")
    await put(cluster, made(JOB, 2, REPLACE), "one")
    before = await uid(cluster, JOB)
    cluster.refuses["x"] = api_error(status, "not now")
    with pytest.raises(RefuseError):
        await put(cluster, made(JOB, 3, REPLACE), "two")
    assert await uid(cluster, JOB) == before


async def test_a_webhook_that_calls_it_immutable_is_believed() -> None:
    cluster = MemoryCluster("shop")
    await put(cluster, made(JOB, 2, REPLACE), "one")
    cluster.refuses["x"] = api_error(403, 'admission webhook "keep" denied: spec is immutable')
    with pytest.raises(RefuseError) as caught:
        await put(cluster, made(JOB, 3), "two")
    assert REPLACE in str(caught.value)


async def test_it_is_made_again_once_the_old_one_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipway.kubernetes.replacing._LOOK_SECONDS", 0)
    cluster = MemoryCluster("shop")
    await put(cluster, made(JOB, 2, REPLACE), "one")
    before = await uid(cluster, JOB)
    cluster.lingers["x"] = 5
    assert (await put(cluster, made(JOB, 3, REPLACE), "two")).action == "replaced"
    assert await uid(cluster, JOB) != before
    assert cluster.log[-3:] == ["delete Job/x", "Job/x", "ConfigMap/shipway.shop"]


async def test_what_does_not_go_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipway.kubernetes.replacing._GONE_SECONDS", 0)
    cluster = MemoryCluster("shop")
    await put(cluster, made(JOB, 2, REPLACE), "one")
    cluster.objects["Job.batch", "shop", "x"]["metadata"]["finalizers"] = ["example.org/keep"]
    cluster.lingers["x"] = 1000
    with pytest.raises(RetryError) as caught:
        await put(cluster, made(JOB, 3, REPLACE), "two")
    assert caught.value.facts["got"] == "finalizers example.org/keep"


async def test_what_is_to_be_created_once_and_is_missing_is_created() -> None:
    cluster = MemoryCluster("shop")
    await put(cluster, made(JOB, 2, CREATE_ONCE), "one")
    del cluster.objects["Job.batch", "shop", "x"]
    assert (await put(cluster, made(JOB, 2, CREATE_ONCE), "one")).action == "created"
