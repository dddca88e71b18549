from __future__ import annotations

import copy
from typing import Any

import pytest

from shipway.errors import RetryError
from shipway.kubernetes.compare import Comparison, compare
from shipway.kubernetes.objects import KubeObject
from tests.support.memory_cluster import MemoryCluster, api_error


def thing(kind: str = "ConfigMap", api: str = "v1", name: str = "a", **body: Any) -> KubeObject:
    metadata = {"name": name, **body.pop("metadata", {})}
    content = {"apiVersion": api, "kind": kind, "metadata": metadata, **body}
    return KubeObject(
        file=f"prod/shop/{name}.yaml",
        api_version=api,
        kind=kind,
        name=name,
        namespace=None,
        body=content,
    )


def web(replicas: int | None = 2, **metadata: Any) -> KubeObject:
    spec = {"replicas": replicas} if replicas is not None else {}
    return thing("Deployment", "apps/v1", "web", spec=spec, metadata=metadata)


def autoscaler() -> KubeObject:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"scaleTargetRef": target}
    return thing("HorizontalPodAutoscaler", "autoscaling/v2", "web", spec=spec)


@pytest.fixture
def cluster() -> MemoryCluster:
    return MemoryCluster("shop")


async def see(cluster: MemoryCluster, *objects: KubeObject) -> Comparison:
    """A comparison, which is seen to leave everything as it was."""
    before = copy.deepcopy(cluster.objects)
    found = await compare(cluster, "shop", objects)
    assert (cluster.objects, cluster.log) == (before, [])
    return found


async def test_a_field_that_somebody_changed_and_what_is_missing_differ(
    cluster: MemoryCluster,
) -> None:
    cluster.put(web(5).body)
    found = await see(cluster, thing(), web(2))
    assert [(each.title, each.action, each.drift) for each in found.differs] == [
        ("ConfigMap/a", "left", True),
        ("Deployment/web", "left", True),
    ]
    (difference,) = found.differs[1].differences
    assert (difference.field, difference.live, difference.desired) == ("spec.replicas", "5", "2")


async def test_what_others_add_or_own_does_not_differ(cluster: MemoryCluster) -> None:
    labels = {"kustomize.toolkit.fluxcd.io/name": "shop"}
    cluster.put(thing(metadata={"labels": labels}, data={"key": "1"}).body)
    cluster.put(web(5).body)
    cluster.put(autoscaler().body)
    assert await see(cluster, thing(data={"key": "1"}), web(2), autoscaler()) == Comparison()
    ignoring = web(2, annotations={"shipway.dev/ignore": "/spec/replicas"})
    cluster.put(web(5, annotations={"shipway.dev/ignore": "/spec/replicas"}).body)
    assert await see(cluster, ignoring) == Comparison()


async def test_a_job_that_is_missing_may_have_run(cluster: MemoryCluster) -> None:
    assert await see(cluster, thing("Job", "batch/v1", "migrate")) == Comparison()


async def test_what_may_not_be_asked_is_not_known(cluster: MemoryCluster) -> None:
    cluster.put(web(2).body)
    cluster.put(thing().body)
    cluster.refuses["web"] = api_error(403, 'User "reader" cannot patch resource "deployments"')
    found = await see(cluster, web(2), thing(), thing("Gadget", "example.org/v9", "g"))
    assert found.differs == ()
    denied, unknown = found.not_compared
    assert denied == 'Deployment/web: User "reader" cannot patch resource "deployments"'
    assert unknown.startswith("Gadget/g: The cluster has no kind")


async def test_a_server_that_fails_has_said_nothing(cluster: MemoryCluster) -> None:
    cluster.put(web(2).body)
    cluster.refuses["web"] = api_error(503, "overloaded")
    with pytest.raises(RetryError):
        await see(cluster, web(2))
