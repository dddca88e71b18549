"""Image, server, workers and an app, in the order of docs/production.md."""

from __future__ import annotations

import base64
import os
import secrets
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.in_cluster import (
    buildkit_image,
    create_in_cluster,
    reachable_from_pods,
    tools_image,
)
from tests.support.installed import Installed, run
from tests.support.kubectl import kubectl, shell_with_kubectl
from tests.support.pages import pasted
from tests.support.production import write_overlay
from tests.support.project import HOME, bring_up

# The sandbox's registry speaks plain HTTP; the bootstrap knows that of a loopback alone.
PLAIN = """
from blocks.registry import Registry
block = Registry.load("default")
block.insecure = True
block.save("default", overwrite=True)
"""


def build(sandbox: dict[str, str], shell: dict[str, str], folder: Path) -> dict[str, str]:
    """The image by the page, and what cannot be pulled, in the sandbox's registry."""
    registry = f"{sandbox['SHIPWAY_REGISTRY']}/platform"
    base = f"BASE={sandbox['SHIPWAY_PYTHON_IMAGE']}"
    tools, redis, buildkit = f"{registry}/tools:1", f"{registry}/redis:7", f"{registry}/buildkit:1"
    run(f"docker build --tag {tools} {tools_image(sandbox, folder / 'tools')}", {}, shell)
    (block,) = pasted("docs/production.md", "The image")
    names = {
        "registry.example.org/platform": registry,
        "docker build": f"docker build --build-arg {base} --build-arg TOOLS={tools}",
    }
    run(block, names, shell)
    recipe = buildkit_image(sandbox, folder / "buildkit")
    for image, context in ((redis, "docker/images/redis"), (buildkit, recipe)):
        run(f"docker build --build-arg {base} --tag {image} {context}", {}, shell)
        run(f"docker push {image}", {}, shell)
    return {
        "shipway": f"{registry}/shipway:0.1.0",
        "postgres": sandbox["SHIPWAY_POSTGRES_IMAGE"],
        "redis": redis,
        "moby/buildkit": buildkit,
    }


def write_secrets(folder: Path) -> tuple[str, str]:
    """The files that the page makes Secrets of; return the passwords of database and server."""
    password, login = secrets.token_hex(), f"admin:{secrets.token_hex()}"
    server = {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": (
            f"postgresql+asyncpg://prefect:{password}@postgres:5432/prefect"
        ),
        "PREFECT_REDIS_MESSAGING_URL": "redis://redis:6379/0",
        "PREFECT_REDIS_WORKER_CLEANUP_QUEUE_URL": "redis://redis:6379/0",
        "PREFECT_SERVER_DOCKET_URL": "redis://redis:6379/1",
        "PREFECT_SERVER_API_AUTH_STRING": login,
        "PREFECT_SERVER_ENCRYPTION_KEY": base64.urlsafe_b64encode(os.urandom(32)).decode(),
    }
    for name, content in (("server", server), ("client", {"PREFECT_API_AUTH_STRING": login})):
        file = folder / f"prefect-{name}.env"
        file.write_text("".join(f"{key}={value}\n" for key, value in content.items()))
    return password, login


@pytest.fixture(scope="package")
def installed(
    cluster_is_up: None, sandbox: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installed]:
    """All of it, once for the tests of this folder."""
    bring_up("BuildKit", "--cluster", "none", "--buildkit")
    folder = tmp_path_factory.mktemp("production")
    shell = shell_with_kubectl(sandbox, folder)
    app = f"hello-{uuid.uuid4().hex[:6]}"
    images = build(sandbox, shell, folder)
    with reachable_from_pods(sandbox) as from_pods:
        project = create_in_cluster(app, sandbox, from_pods, folder / "app")
        overlay = write_overlay(
            folder,
            images,
            environment=app,
            settings={
                "SHIPWAY_ENVIRONMENTS": "staging",
                "SHIPWAY_REGISTRY": from_pods["SHIPWAY_REGISTRY"],
                "SHIPWAY_OPS_URL": f"{from_pods['SHIPWAY_GIT_URL']}/ops-{app}.git",
                "SHIPWAY_APPS": f"{app}={from_pods['SHIPWAY_GIT_URL']}/{app}.git",
                "SHIPWAY_GIT_USERNAME": sandbox["SHIPWAY_GIT_USERNAME"],
            },
            plain_registry=from_pods["SHIPWAY_REGISTRY"],
        )
        try:
            login = install(shell, folder, overlay, sandbox["SHIPWAY_GIT_PASSWORD"], app)
            yield Installed(shell, project, login)
        finally:
            remove(shell, app)


def install(shell: dict[str, str], folder: Path, overlay: Path, git_password: str, app: str) -> str:
    """What the page says, in its order; return what the server lets in."""
    password, login = write_secrets(folder)
    (block,) = pasted("docs/production.md", "Secrets")
    files = {name: str(folder / name) for name in ("prefect-server.env", "prefect-client.env")}
    run(block, files, shell)
    for name, key, value in (
        ("trial-postgres", "password", password),
        ("shipway", "SHIPWAY_GIT_PASSWORD", git_password),
    ):
        own = f"{name} --namespace shipway --from-literal {key}={value}"
        run(f"kubectl create secret generic {own}", {}, shell)
    run(f"kubectl create namespace {app}", {}, shell)
    (block,) = pasted("docs/production.md", "BuildKit")
    own = {"deployments/kubernetes": str(HOME / "deployments" / "kubernetes")}
    run(block, own, shell, folder)
    (block,) = pasted("docs/production.md", "Start and upgrade")
    run(block, {"overlay": str(overlay)}, shell)
    in_worker = "kubectl exec deployment/worker --namespace shipway --stdin -- python3 -"
    run(f"{in_worker} <<'PROGRAM'\n{PLAIN}PROGRAM\n", {}, shell)
    for part in ("deployment/launcher", "deployment/buildkit"):
        where = "shipway-build" if part.endswith("buildkit") else "shipway"
        run(f"kubectl rollout status {part} --namespace {where} --timeout 2m", {}, shell)
    return login


def remove(shell: dict[str, str], app: str) -> None:
    for what in (
        f"namespace shipway shipway-tests shipway-build {app}",
        "clusterrolebinding shipway-find-removed",
        "priorityclass shipway-tests",
        "clusterrole shipway-find-removed shipway-prune shipway-release",
    ):
        kubectl(shell, "delete", *what.split(), "--ignore-not-found")
