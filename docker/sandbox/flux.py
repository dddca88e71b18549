"""Flux: its kinds in the cluster, and the two controllers that apply what Git says.

They run beside the cluster, where the sandbox's Git server is. What they apply is what somebody
tells them in a GitRepository and a Kustomization. The kinds of Helm releases and of Argo CD are
there without a controller, for manifests to be checked against.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import cluster
import node
import processes
from gobuild import Program
from state import STATE, Unavailable, fresh_port, port, read

SOURCE = "source-controller"
KUSTOMIZE = "kustomize-controller"
NAMESPACE = "flux-system"
_PROGRAMS = {
    name: Program(name=name, folder="kube", package=f"github.com/fluxcd/{name}", flags="-s -w")
    for name in (SOURCE, KUSTOMIZE)
}
# Where the kinds are that no program here is built with.
_OTHERS = {
    "github.com/fluxcd/helm-controller@v1.4.3": "config/crd/bases",
    "github.com/argoproj/argo-cd/v3@v3.2.0": "manifests/crds",
}


def build(report: Callable[[str, int], None]) -> None:
    """Have the controllers and all kinds in the cache folder.

    Args:
        report: Called with a program, and the percentage of its packages that are compiled.

    Raises:
        Unavailable: They cannot be had here, or the cluster is none of the sandbox's own nodes.
    """
    if read().get("cluster") != "node":
        raise Unavailable("the sandbox has Flux for its own node only")
    for name, program in _PROGRAMS.items():
        program.have(lambda percent, name=name: report(name, percent))
    if not _kinds().exists():
        folders = [
            program.module(program.package) / "config" / "crd" / "bases"
            for program in _PROGRAMS.values()
        ]
        some = _PROGRAMS[SOURCE]
        folders += [some.module(module) / where for module, where in _OTHERS.items()]
        texts = [
            file.read_text()
            for folder in folders
            for file in sorted(folder.glob("*.yaml"))
            if file.name != "kustomization.yaml"
        ]
        # Two may come at once: each writes its own, and the last one stays.
        draft = _kinds().with_suffix(f".{os.getpid()}")
        draft.write_text("\n---\n".join(texts))
        draft.rename(_kinds())


def up() -> None:
    """Start the controllers, and wait until they are ready.

    Raises:
        Unavailable: One ends or does not get ready; with the end of its log.
    """
    if any(processes.pid_of(name) is None for name in _PROGRAMS):
        node.apply(cluster.KUBECONFIG, _kinds().read_text())
        node.wait_for(cluster.KUBECONFIG, "Established", "customresourcedefinition", "--all")
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        node.apply(cluster.KUBECONFIG, json.dumps(namespace))
    for name in _PROGRAMS:
        if processes.pid_of(name) is None:
            _start(name)
    for name in _PROGRAMS:
        page = f"http://127.0.0.1:{port(f'{name}.health')}/readyz"
        processes.wait_until(lambda page=page: processes.serves(page), name)


def _start(name: str) -> None:
    health = fresh_port(f"{name}.health")
    command = [str(_PROGRAMS[name].path), "--metrics-addr=0", f"--health-addr=127.0.0.1:{health}"]
    if name == SOURCE:
        folder = STATE / "flux"
        folder.mkdir(exist_ok=True)
        address = f"127.0.0.1:{fresh_port('flux-artifacts')}"
        command += [f"--storage-path={folder}"]
        command += [f"--storage-addr={address}", f"--storage-adv-addr={address}"]
    env = {"KUBECONFIG": str(cluster.KUBECONFIG), "RUNTIME_NAMESPACE": NAMESPACE}
    processes.start(name, command, env=env)


def _kinds() -> Path:
    return _PROGRAMS[SOURCE].path.with_name("agents.yaml")
