"""What other agents are told to leave alone is what Shipway keeps beside the manifests."""

from __future__ import annotations

from typing import Any

import yaml

from shipway.kubernetes.objects import NOT_MANIFESTS
from tests.support.project import HOME

AGENTS = HOME / "deployments" / "agents"


def objects(name: str) -> dict[str, Any]:
    return {one["kind"]: one for one in yaml.safe_load_all((AGENTS / name).read_text())}


def test_argo_cd_leaves_shipways_own_files_alone_and_heals() -> None:
    spec = objects("argocd.yaml")["ApplicationSet"]["spec"]["template"]["spec"]
    excluded = spec["source"]["directory"]["exclude"].strip("{}").split(",")
    assert {"rollout.yaml", "holds.yaml"} == {*excluded} <= NOT_MANIFESTS
    assert spec["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}


def test_flux_leaves_shipways_own_files_alone_and_prunes() -> None:
    found = objects("flux.yaml")
    ignored = found["GitRepository"]["spec"]["ignore"].split()
    assert {"rollout.yaml", "holds.yaml"} == {*ignored} <= NOT_MANIFESTS
    source = found["Kustomization"]["spec"]["sourceRef"]
    assert source["name"] == found["GitRepository"]["metadata"]["name"]
    assert found["Kustomization"]["spec"]["prune"] is True
