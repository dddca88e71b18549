from __future__ import annotations

from typing import Any

import pytest

from shipway.rollout.appliers import SHIPWAY, appliers, other_agents
from shipway.strategies.step import Ready, Step
from tests.support.memory_cluster import MemoryCluster
from tests.support.watched import WORKLOAD, target

FLUX = {"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux"}
ARGO = {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:apps/web"}
BY_SHIPWAY: dict[str, Any] = {
    "manager": "shipway",
    "fieldsV1": {"f:metadata": {"f:labels": {"f:applyset.kubernetes.io/part-of": {}}}},
}
NAMED = "external\nexternal_agent: {flux: {kustomization: shop, namespace: flux}}"
STEP = Step(
    name="1/1", edits=(), ready=(Ready(image=f"shop@sha256:{'1' * 64}", workload="Deployment/web"),)
)


def live(**metadata: Any) -> dict[str, Any]:
    head = {"apiVersion": "apps/v1", "kind": "Deployment"}
    return {**head, "metadata": {"name": "web", "namespace": "apps", **metadata}}


def test_each_agent_is_told_by_its_mark() -> None:
    body = live(labels=FLUX, annotations=ARGO, managedFields=[BY_SHIPWAY])
    assert appliers(body) == {
        "Flux Kustomization/shop in namespace flux",
        "Argo CD Application/shop",
        SHIPWAY,
    }
    assert appliers(live()) == frozenset()


@pytest.mark.parametrize(
    ("agent", "metadata", "expected"),
    [
        (NAMED, {"labels": FLUX}, None),
        (NAMED, {}, None),
        (NAMED, {"labels": FLUX, "annotations": ARGO}, "Argo CD Application/shop"),
        (NAMED, {"labels": FLUX, "managedFields": [BY_SHIPWAY]}, SHIPWAY),
        ("reconcile", {"managedFields": [BY_SHIPWAY]}, None),
        ("reconcile", {"labels": FLUX}, "Flux Kustomization/shop in namespace flux"),
    ],
)
async def test_an_agent_that_is_not_the_apps_is_noticed(
    agent: str, metadata: dict[str, Any], expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = MemoryCluster("apps")
    cluster.put(live(**metadata), "apps")
    environment = target(agent)
    monkeypatch.setattr(type(environment), "workloads", [WORKLOAD])
    warnings = await other_agents(cluster, environment, STEP)
    if expected is None:
        assert warnings == []
    else:
        (warning,) = warnings
        assert warning.startswith(
            f"Two agents may apply prod/shop: Deployment/web in namespace apps bears the mark of "
            f"{expected} too"
        )


async def test_the_mark_of_shipways_own_agent_is_told_with_what_removes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = MemoryCluster("apps")
    cluster.put(live(managedFields=[BY_SHIPWAY]), "apps")
    environment = target(NAMED)
    monkeypatch.setattr(type(environment), "workloads", [WORKLOAD])
    (warning,) = await other_agents(cluster, environment, STEP)
    assert warning.endswith(
        "`kubectl label deployment web -n apps applyset.kubernetes.io/part-of-`"
    )
