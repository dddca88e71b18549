"""Secret values are never told: drift, refusals, unreadable files."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import yaml

from shipway.errors import RefuseError, ShipwayError
from shipway.kubernetes.apply import apply_set
from shipway.kubernetes.dry_run import refusals
from shipway.kubernetes.objects import KubeObject, read_objects
from shipway.reports.drift import change_lines, drift_rows
from shipway.rollout.apply import Applied
from tests.support.memory_cluster import MemoryCluster, api_error

GIT, HAND = "hunter2", "correct-horse"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
MARK = "shipway.dev/sensitive"


def encoded(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


def secret(metadata: dict[str, Any] | None = None, **sections: Any) -> dict[str, Any]:
    head = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", **(metadata or {})}}
    return {**head, **sections}


def marked(kind: str, pointers: str, **sections: Any) -> dict[str, Any]:
    api = "apps/v1" if kind == "Deployment" else "v1"
    metadata = {"name": "s", "annotations": {MARK: pointers}}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **sections}


def with_env(value: str) -> dict[str, Any]:
    container = {"name": "app", "image": "app", "env": [{"name": "TOKEN", "value": value}]}
    return {"template": {"spec": {"containers": [container]}}}


def object_of(body: dict[str, Any]) -> KubeObject:
    (found,) = read_objects({"s.yaml": yaml.safe_dump(body).encode()}, "staging/shop")
    return found


def assert_untold(text: str) -> None:
    for value in (GIT, HAND):
        assert value not in text
        assert encoded(value) not in text


DRIFTS = {
    "data": (secret(data={"password": encoded(GIT)}), secret(data={"password": encoded(HAND)})),
    "stringData": (secret(stringData={"password": GIT}), secret(stringData={"password": HAND})),
    "a key that Git does not have": (secret(data={}), secret(data={"password": encoded(HAND)})),
    "a key that the cluster lost": (secret(data={"password": encoded(GIT)}), secret(data={})),
    "all of data": (secret(data={"password": encoded(GIT)}), secret()),
    "kubectl's last-applied annotation": (
        secret(
            {"annotations": {LAST_APPLIED: json.dumps({"stringData": {"password": GIT}})}},
            data={"password": encoded(GIT)},
        ),
        secret(
            {"annotations": {LAST_APPLIED: json.dumps({"stringData": {"password": HAND}})}},
            data={"password": encoded(GIT)},
        ),
    ),
    "another annotation of a Secret": (
        secret({"annotations": {"vault/token": GIT}}),
        secret({"annotations": {"vault/token": HAND}}),
    ),
    "a ConfigMap with a marked key": (
        marked("ConfigMap", "/data/app.ini", data={"app.ini": GIT}),
        marked("ConfigMap", "/data/app.ini", data={"app.ini": HAND}),
    ),
    "a marked key, its mark taken away in the cluster": (
        marked("ConfigMap", "/data/app.ini", data={"app.ini": GIT}),
        marked("ConfigMap", "", data={"app.ini": HAND}),
    ),
    "a marked key, all of data gone": (
        marked("ConfigMap", "/data/app.ini", data={"app.ini": GIT}),
        marked("ConfigMap", "/data/app.ini"),
    ),
    "a marked list, now longer": (
        marked("Deployment", "/spec/template/spec/containers/0/env", spec=with_env(GIT)),
        marked(
            "Deployment",
            "/spec/template/spec/containers/0/env",
            spec={"template": {"spec": {"containers": [{"name": "b", "env": [HAND]}, "c"]}}},
        ),
    ),
    "two marks, with spaces": (
        marked("ConfigMap", "/data/x, /data/y", data={"x": GIT, "y": GIT}),
        marked("ConfigMap", "/data/x, /data/y", data={"x": HAND, "y": HAND}),
    ),
}


@pytest.mark.parametrize("drift", DRIFTS.values(), ids=DRIFTS.keys())
async def test_drift_of_a_secret_is_told_by_field_and_hash(
    drift: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    in_git, in_cluster = drift
    cluster = MemoryCluster("shop")
    await apply_set(cluster, "shop", "shop", [object_of(in_git)], "one")
    live = await cluster.get(in_git["apiVersion"], in_git["kind"], "s", "shop")
    assert live
    labels = live["metadata"]["labels"]
    changed = {**in_cluster, "metadata": {**in_cluster["metadata"], "labels": labels}}
    cluster.put(changed)
    changes = await apply_set(cluster, "shop", "shop", [object_of(in_git)], "one")
    assert [change.drift for change in changes] == [True]
    applied = Applied(folder="staging/shop", commit="c0ffee", changes=tuple(changes))
    told = [line for _, line in change_lines(applied)] + [str(drift_rows([applied]))]
    assert_untold("\n".join(told))
    assert "hidden" in "\n".join(told)


# As an API server says them.
TYPED = "failed to create typed patch object (shop/s; /v1, Kind=Secret): .stringData.password: "
TYPED += "expected string, got &value.valueUnstructured{{Value:{}}}"
DECODE = 'Secret in version "v1" cannot be handled as a Secret: illegal base64 data: {}'
WEBHOOK = 'admission webhook "policy.example.org" denied the request: {} is a weak password'
REFUSED = {
    "a number where text is asked for": (500, TYPED),
    "no base64": (400, DECODE),
    "a webhook that quotes it": (403, WEBHOOK),
    "a value that is invalid": (422, 'Secret "s" is invalid: data[x]: Invalid value: "{}"'),
    "a server that fails and quotes it": (503, "upstream said: {}"),
}


@pytest.mark.parametrize("refusal", REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize(
    "body",
    [
        secret(stringData={"password": GIT}),
        marked("ConfigMap", "/stringData", data={"x": "1"}),
    ],
    ids=["Secret", "marked"],
)
async def test_a_refused_secret_is_told_by_field_alone(
    refusal: tuple[int, str], body: dict[str, Any]
) -> None:
    status, words = refusal
    cluster = MemoryCluster("shop")
    cluster.refuses["s"] = api_error(status, words.format(GIT))
    with pytest.raises(ShipwayError) as caught:
        await apply_set(cluster, "shop", "shop", [object_of(body)], "one")
    assert_untold(str(caught.value))
    assert f"HTTP {status}" in str(caught.value)
    try:
        told = str(await refusals(cluster, "shop", [object_of(body)]))
    except ShipwayError as error:
        told = str(error)
    assert_untold(told)


async def test_a_refused_secret_names_the_key_that_the_server_names() -> None:
    cluster = MemoryCluster("shop")
    cluster.refuses["s"] = api_error(500, TYPED.format(GIT))
    body = secret(stringData={"password": GIT, "user": "ada"})
    told = await refusals(cluster, "shop", [object_of(body)])
    (words,) = told.values()
    assert "stringData.password" in words
    assert "user" not in words


@pytest.mark.parametrize(
    "value", ["*hunter2", "!hunter2 x", "!!int hunter2", "!!float hunter2", "!!binary hunter2é"]
)
def test_a_manifest_that_cannot_be_read_is_told_by_line_alone(value: str) -> None:
    text = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData:\n  p: {value}\n"
    with pytest.raises(RefuseError) as caught:
        read_objects({"s.yaml": text.encode()}, "staging/shop")
    assert_untold(str(caught.value))
    assert "staging/shop/s.yaml" in str(caught.value)
