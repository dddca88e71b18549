"""What tells the sandbox's Flux to apply an app's folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAMESPACE = "flux-system"
# So long that nothing comes by itself: what is quick was nudged.
INTERVAL = "10m"

KUSTOMIZATION = ("kustomize.toolkit.fluxcd.io/v1", "Kustomization")
GIT_REPOSITORY = ("source.toolkit.fluxcd.io/v1", "GitRepository")


def external_agent(name: str) -> str:
    """The lines of rollout.yaml that name the agent of an app."""
    return f"agent: external\nexternal_agent:\n  flux: {{kustomization: {name}}}\n"


def objects(
    name: str, folder: str, env: Mapping[str, str], *, interval: str = INTERVAL, **spec: Any
) -> list[dict[str, Any]]:
    """A login, a GitRepository and a Kustomization of one app.

    Args:
        name: Of each, and of the namespace that the app is in.
        folder: The app's folder in the ops repository.
        env: The sandbox's exports.
        interval: How often Flux looks by itself.
        spec: More of the Kustomization.
    """
    login = {"username": env["SHIPWAY_GIT_USERNAME"], "password": env["SHIPWAY_GIT_PASSWORD"]}
    source = {
        "interval": interval,
        "url": env["SHIPWAY_OPS_URL"],
        "ref": {"branch": "main"},
        "secretRef": {"name": name},
        "ignore": "rollout.yaml\nholds.yaml\n",
    }
    kustomization = {
        "interval": interval,
        "prune": True,
        "wait": False,
        "path": f"./{folder}",
        "targetNamespace": name,
        "sourceRef": {"kind": "GitRepository", "name": name},
        **spec,
    }
    return [
        _object("v1", "Secret", name, stringData=login),
        _object(*GIT_REPOSITORY, name, spec=source),
        _object(*KUSTOMIZATION, name, spec=kustomization),
    ]


def _object(api_version: str, kind: str, name: str, **body: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}
