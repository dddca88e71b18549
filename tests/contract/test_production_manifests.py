"""The real API server takes every manifest of deployments/kubernetes, and warns of none."""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from shipway.kubernetes.client import KubeClient
from tests.support.kubectl import kubectl
from tests.support.production import MANIFESTS, write_overlay

Object = dict[str, Any]
BUILD = "shipway-build"


@pytest.fixture
async def restricted(cluster: KubeClient, namespace: str) -> str:
    """A namespace that is as strict as the one of the workers."""
    file = MANIFESTS / "base" / "namespace.yaml"
    body = yaml.safe_load(file.read_text("utf-8"))
    body["metadata"]["name"] = namespace
    await cluster.apply(body, None, "tests")
    return namespace


@pytest.fixture
async def builds(cluster: KubeClient, namespace: str) -> AsyncIterator[str]:
    """A namespace that is as strict as the one of BuildKit."""
    file = MANIFESTS / "buildkit" / "namespace.yaml"
    body = yaml.safe_load(file.read_text("utf-8"))
    body["metadata"]["name"] = f"{namespace}-build"
    await cluster.apply(body, None, "tests")
    yield body["metadata"]["name"]
    await cluster.delete("v1", "Namespace", body["metadata"]["name"], None)


def rendered(folder: Path, env: dict[str, str]) -> list[Object]:
    """What Kustomize makes of an overlay."""
    done = kubectl(env, "kustomize", str(folder))
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def overlay(kind: str, folder: Path) -> Path:
    """The example, or one with the component for trying out."""
    if kind == "example":
        return MANIFESTS / "example"
    return write_overlay(folder, {"shipway": "registry.example.org/shipway:1"}, "shop")


def moved(each: Object, namespace: str) -> Object:
    """An object in another namespace; one of the cluster stays."""
    body = copy.deepcopy(each)
    if "namespace" in body["metadata"]:
        body["metadata"]["namespace"] = namespace
    return body


def dry_run(objects: list[Object], env: dict[str, str]) -> tuple[int, str]:
    """What the API server would say of objects."""
    given = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    flags = ("--server-side", "--dry-run=server", "--warnings-as-errors", "--filename=-")
    done = kubectl(env, "apply", *flags, given=given)
    return done.returncode, done.stderr


@pytest.mark.parametrize("kind", ["example", "trial"])
def test_the_api_server_takes_all_without_a_warning(
    kind: str, restricted: str, builds: str, sandbox: dict[str, str], tmp_path: Path
) -> None:
    objects = [
        moved(each, builds if each["metadata"].get("namespace") == BUILD else restricted)
        for each in rendered(overlay(kind, tmp_path), sandbox)
    ]
    assert dry_run(objects, sandbox) == (0, "")


@pytest.mark.parametrize(
    ("profile", "refused"),
    [
        ({"type": "Unconfined"}, True),
        ({"type": "Localhost", "localhostProfile": "profiles/buildkit.json"}, False),
    ],
)
async def test_baseline_admits_buildkit_with_a_seccomp_profile_of_ones_own(
    profile: Object,
    refused: bool,
    cluster: KubeClient,
    namespace: str,
    sandbox: dict[str, str],
    tmp_path: Path,
) -> None:
    level = {"pod-security.kubernetes.io/enforce": "baseline"}
    body = {"apiVersion": "v1", "kind": "Namespace"}
    await cluster.apply({**body, "metadata": {"name": namespace, "labels": level}}, None, "tests")
    (buildkit,) = [
        moved(each, namespace)
        for each in rendered(overlay("trial", tmp_path), sandbox)
        if (each["kind"], each["metadata"]["name"]) == ("Deployment", "buildkit")
    ]
    pod = buildkit["spec"]["template"]["spec"]
    pod["securityContext"] |= {"seccompProfile": profile, "appArmorProfile": {"type": "Localhost"}}
    pod["securityContext"]["appArmorProfile"]["localhostProfile"] = "buildkit"
    status, words = dry_run([buildkit], sandbox)
    assert (status != 0) == refused
    assert ("seccompProfile" in words) == refused


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("hostNetwork", True, "host namespaces"),
        ("securityContext", {}, "runAsNonRoot"),
        ("shareProcess", True, "unknown field"),
    ],
)
def test_what_is_not_restricted_or_no_field_is_noticed(
    field: str, value: object, says: str, restricted: str, sandbox: dict[str, str]
) -> None:
    (worker,) = [
        moved(each, restricted)
        for each in rendered(MANIFESTS / "example", sandbox)
        if (each["kind"], each["metadata"]["name"]) == ("Deployment", "worker")
    ]
    worker["spec"]["template"]["spec"][field] = value
    status, words = dry_run([worker], sandbox)
    assert status != 0
    assert says in words
