"""An overlay of deployments/kubernetes with what the sandbox has: its images, and no way out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.pages import paste, pasted
from tests.support.project import HOME

MANIFESTS = HOME / "deployments" / "kubernetes"
# Of postgres and redis, in the images that the sandbox makes of Debian's packages.
USER = 100


def build_image(shell: Mapping[str, str], image: str, base: str) -> None:
    """Build Shipway's image under a name, as docs/production.md says, on an image with Python."""
    (block,) = pasted("docs/production.md", "The image")
    names = {
        "registry.example.org/platform/shipway:0.1.0": image,
        "docker build": f"docker build --build-arg BASE={base}",
    }
    done = paste(block.partition("docker push")[0], names, shell)
    assert done.returncode == 0, done.stdout + done.stderr


def write_overlay(
    folder: Path,
    images: Mapping[str, str],
    environment: str,
    settings: Mapping[str, str] | None = None,
    plain_registry: str | None = None,
) -> Path:
    """Write an overlay with all components, and return where it is.

    Args:
        folder: Gets a copy of the manifests too.
        images: The image of each name in them.
        environment: The namespace of an environment.
        settings: What the bootstrap is told more.
        plain_registry: A registry that BuildKit is to speak plain HTTP with.
    """
    copied = shutil.copytree(MANIFESTS, folder / "kubernetes")
    overlay = copied / "overlay"
    _write(overlay / "environment", namespace=environment, resources=["../../environment"])
    _write(
        overlay,
        resources=["../base", "../shards", "environment"],
        components=["../trial", "../buildkit", "../run-pods"],
        configMapGenerator=[_merged("shipway", settings or {})],
        images=[_image(name, image) for name, image in images.items()],
        patches=[
            *(_as_user(name) for name in ("postgres", "redis")),
            *([_plain(copied, plain_registry)] if plain_registry else []),
        ],
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


def _merged(name: str, literals: Mapping[str, str]) -> dict[str, Any]:
    said = [f"{key}={value}" for key, value in literals.items()]
    return {"name": name, "namespace": "shipway", "behavior": "merge", "literals": said}


def _plain(manifests: Path, registry: str) -> dict[str, Any]:
    """BuildKit's own settings, and that it speaks plain HTTP with a registry."""
    settings = (manifests / "buildkit" / "buildkitd.toml").read_text("utf-8")
    settings += f'\n[registry."{registry}"]\n  http = true\n'
    patch = [{"op": "replace", "path": "/data/buildkitd.toml", "value": settings}]
    return {"target": {"kind": "ConfigMap", "name": "buildkit"}, "patch": json.dumps(patch)}


def _as_user(name: str) -> dict[str, Any]:
    path = "/spec/template/spec/securityContext/runAsUser"
    patch = [{"op": "replace", "path": path, "value": USER}]
    return {"target": {"kind": "Deployment", "name": name}, "patch": json.dumps(patch)}
