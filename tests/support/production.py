"""An overlay of deployments/kubernetes with what the sandbox has: its images, and no way out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.project import HOME

MANIFESTS = HOME / "deployments" / "kubernetes"
# Of postgres and redis, in the images that the sandbox makes of Debian's packages.
USER = 100


def write_overlay(folder: Path, images: Mapping[str, str], environment: str) -> Path:
    """Write an overlay with the component for trying out, and return where it is.

    Args:
        folder: Gets a copy of the manifests too.
        images: The image of each name in them.
        environment: The namespace of an environment.
    """
    copied = shutil.copytree(MANIFESTS, folder / "kubernetes")
    overlay = copied / "overlay"
    _write(overlay / "environment", namespace=environment, resources=["../../environment"])
    _write(
        overlay,
        resources=["../base", "../shards", "environment"],
        components=["../trial"],
        images=[_image(name, image) for name, image in images.items()],
        patches=[_as_user(name) for name in ("postgres", "redis")],
    )
    return overlay


def _write(folder: Path, **said: Any) -> None:
    """Write a kustomization.yaml, in JSON, which is YAML too."""
    folder.mkdir(parents=True, exist_ok=True)
    head = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    (folder / "kustomization.yaml").write_text(json.dumps({**head, **said}))


def _image(name: str, image: str) -> dict[str, str]:
    repository, _, tag = image.rpartition(":")
    return {"name": name, "newName": repository, "newTag": tag}


def _as_user(name: str) -> dict[str, Any]:
    path = "/spec/template/spec/securityContext/runAsUser"
    patch = [{"op": "replace", "path": path, "value": USER}]
    return {"target": {"kind": "Deployment", "name": name}, "patch": json.dumps(patch)}
