"""What the real API server would refuse, asked before anything is changed."""

from __future__ import annotations

import uuid

import pytest

from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.dry_run import refusals
from shipway.kubernetes.objects import KubeObject, read_objects

NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: %s}\n"
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web}]}
"""
DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {kind: Thing, plural: things}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object}}
"""
THING = "apiVersion: example.org/v1\nkind: Thing\nmetadata: {name: one}\n"


@pytest.fixture
def missing() -> str:
    """The name of a namespace that nobody has made."""
    return f"dry-{uuid.uuid4().hex[:6]}"


def folder(*documents: str) -> list[KubeObject]:
    return read_objects({"all.yaml": "---\n".join(documents).encode()}, "staging/web")


async def test_a_folder_that_brings_its_own_namespace_is_taken_and_nothing_is_made(
    cluster: KubeClient, missing: str
) -> None:
    objects = folder(NAMESPACE % missing, SERVICE, DEPLOYMENT)
    assert await refusals(cluster, missing, objects) == {}
    assert await cluster.get("v1", "Namespace", missing, None) is None


async def test_a_kind_that_the_folder_itself_defines_is_taken(
    cluster: KubeClient, namespace: str
) -> None:
    assert await refusals(cluster, namespace, folder(DEFINITION, THING)) == {}
    title = "staging/web/all.yaml: Thing/one"
    assert await refusals(cluster, namespace, folder(THING)) == {
        title: "The cluster has no kind 'Thing'."
    }


async def test_every_object_that_would_be_refused_is_named_with_the_servers_words(
    cluster: KubeClient, namespace: str
) -> None:
    found = await refusals(
        cluster,
        namespace,
        folder(
            SERVICE.replace("port: 80", "port: 80000"),
            DEPLOYMENT.replace("  template:\n", "  replcas: 3\n  template:\n"),
            DEPLOYMENT.replace("name: web}\nspec", "name: other}\nspec").replace(
                "matchLabels: {app: web}", "matchLabels: {app: other}"
            ),
        ),
    )
    assert {title.rpartition(" ")[2] for title in found} == {
        "Service/web",
        "Deployment/web",
        "Deployment/other",
    }
    words = "\n".join(found.values())
    for one in ("80000", "replcas", "`selector` does not match template `labels`"):
        assert one in words
    assert await cluster.get("v1", "Service", "web", namespace) is None


async def test_a_namespace_that_nobody_makes_is_refused(cluster: KubeClient, missing: str) -> None:
    (words,) = (await refusals(cluster, missing, folder(SERVICE))).values()
    assert words == f'namespaces "{missing}" not found'


async def test_what_the_server_says_of_a_secret_names_the_key_alone(
    cluster: KubeClient, namespace: str
) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"
    number = folder(secret + "stringData: {user: ada, pin: 412399}\n")
    (words,) = (await refusals(cluster, namespace, number)).values()
    assert "stringData.pin" in words
    assert "412399" not in words
    assert "ada" not in words
    bare = folder(secret + "data: {user: YWRh, pin: 412399x}\n")
    (words,) = (await refusals(cluster, namespace, bare)).values()
    assert "412399" not in words
