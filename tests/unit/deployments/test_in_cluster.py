"""The bootstrap in a pod: flows reach the cluster with the accounts of their workers."""

from __future__ import annotations

import json
from pathlib import Path

from blocks.cluster import Cluster
from blocks.pod_runner import PodRunner
from deployments.bootstrap import platform

POD = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "SHIPWAY_POD_POOL": "tests"}
KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "a", "cluster": {"server": "https://k8s.example.org"}}],
    "users": [{"name": "a", "user": {"token": "t"}}],
    "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
    "current-context": "a",
}


def test_a_pod_needs_no_kubeconfig_and_has_no_credentials_of_its_own_to_set() -> None:
    blocks = platform({**POD, "SHIPWAY_ENVIRONMENTS": "staging live"})
    clusters = {name: block for name, block in blocks.items() if isinstance(block, Cluster)}
    assert set(clusters) == {"cluster/staging", "cluster/live"}
    # What people have set in the UI stays.
    assert all("credentials" not in block.model_fields_set for block in clusters.values())
    assert isinstance(blocks["pod-runner/default"], PodRunner)
    assert not any(name.startswith("kubernetes-cluster-config/") for name in blocks)


def test_a_kubeconfig_comes_first_in_a_pod_too(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps(KUBECONFIG))
    blocks = platform({**POD, "KUBECONFIG": str(file)})
    cluster = blocks["cluster/staging"]
    assert isinstance(cluster, Cluster)
    assert cluster.credentials.cluster_config is not None
    assert "kubernetes-cluster-config/shipway-tests" in blocks


def test_elsewhere_there_is_no_cluster_without_a_kubeconfig() -> None:
    blocks = platform({"SHIPWAY_POD_POOL": "tests", "KUBECONFIG": "/nowhere"})
    assert not any(isinstance(block, Cluster | PodRunner) for block in blocks.values())
