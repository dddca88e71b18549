"""Shipway on Kubernetes, as docs/production.md says: image, server, workers, and a run."""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from kubernetes_asyncio.client import ApiException

from shipway.kubernetes.client import KubeClient
from tests.support.kubectl import kubectl, shell_with_kubectl
from tests.support.pages import paste, pasted
from tests.support.production import write_overlay

# The names of its namespaces are its own, and those of its cluster roles.
pytestmark = pytest.mark.alone

# What a pod of a worker may do, tried in it. A refusal by the API server is its status.
TRY = """
import json, os, pathlib, ssl, sys, urllib.error, urllib.request
account = pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount")
def secrets_of(namespace):
    url = "https://%s/api/v1/namespaces/%s/secrets"
    request = urllib.request.Request(
        url % (os.environ["KUBERNETES_SERVICE_HOST"], namespace),
        headers={"Authorization": "Bearer " + (account / "token").read_text()},
    )
    trusted = ssl.create_default_context(cafile=account / "ca.crt")
    try:
        return urllib.request.urlopen(request, context=trusted).status
    except urllib.error.HTTPError as error:
        return error.code
def writes(path):
    try:
        pathlib.Path(path, "tried").touch()
    except OSError as error:
        return error.strerror
status = dict(
    line.split(":", 1) for line in pathlib.Path("/proc/self/status").read_text().splitlines()
)
print(json.dumps({
    "user": os.getuid(),
    "capabilities": int(status["CapEff"], 16),
    "seccomp": int(status["Seccomp"]),
    "sockets": [str(each) for each in pathlib.Path("/run").rglob("*.sock")],
    "writes": {path: writes(path) for path in ("/", "/opt/shipway", "/tmp", "/var/lib/shipway")},
    "secrets": {namespace: secrets_of(namespace) for namespace in sys.argv[1:]},
}))
"""


class Installed(NamedTuple):
    """What runs in the cluster.

    Attributes:
        shell: The variables of a shell with kubectl.
        environment: The namespace of an environment.
    """

    shell: dict[str, str]
    environment: str


def run(text: str, names: dict[str, str], shell: dict[str, str]) -> str:
    done = paste(text, names, shell)
    assert done.returncode == 0, f"{text}{done.stdout}{done.stderr}"
    return done.stdout


def build(sandbox: dict[str, str], shell: dict[str, str]) -> dict[str, str]:
    """The image by the page, and a Redis, in the sandbox's registry."""
    registry = f"{sandbox['SHIPWAY_REGISTRY']}/platform"
    base = f"BASE={sandbox['SHIPWAY_PYTHON_IMAGE']}"
    (block,) = pasted("docs/production.md", "The image")
    names = {
        "registry.example.org/platform": registry,
        "docker build": f"docker build --build-arg {base}",
    }
    run(block, names, shell)
    redis = f"{registry}/redis:7"
    run(f"docker build --build-arg {base} --tag {redis} docker/images/redis", {}, shell)
    run(f"docker push {redis}", {}, shell)
    return {
        "shipway": f"{registry}/shipway:0.1.0",
        "postgres": sandbox["SHIPWAY_POSTGRES_IMAGE"],
        "redis": redis,
    }


def write_secrets(folder: Path) -> str:
    """The files that the page makes Secrets of; return the password of the database."""
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
    return password


@pytest.fixture
async def installed(
    cluster: KubeClient, namespace: str, sandbox: dict[str, str], tmp_path: Path
) -> AsyncIterator[Installed]:
    shell = shell_with_kubectl(sandbox, tmp_path)
    overlay = write_overlay(tmp_path, build(sandbox, shell), environment=namespace)
    password = write_secrets(tmp_path)
    files = {name: str(tmp_path / name) for name in ("prefect-server.env", "prefect-client.env")}
    try:
        (block,) = pasted("docs/production.md", "Secrets")
        run(block, files, shell)
        own = f"--from-literal password={password}"
        run(f"kubectl create secret generic trial-postgres --namespace shipway {own}", {}, shell)
        (block,) = pasted("docs/production.md", "Start and upgrade")
        run(block, {"overlay": str(overlay)}, shell)
        yield Installed(shell, namespace)
    finally:
        await remove(cluster)


async def remove(cluster: KubeClient) -> None:
    rbac = "rbac.authorization.k8s.io/v1"
    for version, kind, name in (
        ("v1", "Namespace", "shipway"),
        ("v1", "Namespace", "shipway-tests"),
        (rbac, "ClusterRoleBinding", "shipway-find-removed"),
        (rbac, "ClusterRole", "shipway-find-removed"),
        (rbac, "ClusterRole", "shipway-prune"),
        (rbac, "ClusterRole", "shipway-release"),
    ):
        with suppress(ApiException):
            await cluster.delete(version, kind, name, None)


def may(shell: dict[str, str], account: str, verb: str, resource: str, namespace: str) -> bool:
    whose = f"--as=system:serviceaccount:shipway:{account}"
    asked = kubectl(shell, "auth", "can-i", verb, resource, whose, "--namespace", namespace)
    assert asked.stdout.strip() in {"yes", "no"}, asked.stderr
    return asked.stdout.strip() == "yes"


async def test_a_run_completes_on_workers_that_may_do_no_more_than_they_need(
    installed: Installed, cluster: KubeClient
) -> None:
    shell, environment = installed
    (block,) = pasted("docs/production.md", "Trying it")
    run(block, {}, shell)

    told = run(
        f"kubectl exec deployment/worker --namespace shipway --stdin -- "
        f"python3 - {environment} shipway default <<'PROGRAM'\n{TRY}PROGRAM\n",
        {},
        shell,
    )
    assert json.loads(told.splitlines()[-1]) == {
        "user": 10001,
        "capabilities": 0,
        "seccomp": 2,
        "sockets": [],
        "writes": {
            "/": "Read-only file system",
            "/opt/shipway": "Read-only file system",
            "/tmp": None,
            "/var/lib/shipway": None,
        },
        "secrets": {environment: 200, "shipway": 403, "default": 403},
    }

    assert may(shell, "agent", "delete", "deployments", environment)
    assert not may(shell, "worker", "delete", "deployments", environment)
    assert may(shell, "worker", "create", "jobs", "shipway-tests")
    assert not may(shell, "agent", "create", "jobs", "shipway-tests")

    # Each part of the server knows where Redis is: prefect-redis has addresses of its own for some.
    for part in ("statefulset/prefect-server", "deployment/prefect-services"):
        log = kubectl(shell, "logs", part, "--namespace=shipway").stdout
        assert log
        assert "localhost:6379" not in log
    servers = await cluster.list("v1", "Pod", "shipway", "app.kubernetes.io/name=prefect-server")
    assert len(servers) == 2
