"""What the parts of an installation may do, tried in it."""

from __future__ import annotations

import json

import pytest

from tests.support.installed import Installed, run
from tests.support.kubectl import kubectl
from tests.support.pages import pasted

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


def may(shell: dict[str, str], account: str, verb: str, resource: str, namespace: str) -> bool:
    whose = f"--as=system:serviceaccount:shipway:{account}"
    asked = kubectl(shell, "auth", "can-i", verb, resource, whose, "--namespace", namespace)
    assert asked.stdout.strip() in {"yes", "no"}, asked.stderr
    return asked.stdout.strip() == "yes"


def test_a_run_completes_on_workers_that_may_do_no_more_than_they_need(
    installed: Installed,
) -> None:
    shell, environment = installed.shell, installed.project.app
    block, _ = pasted("docs/production.md", "Trying it")
    run(block, {"shop": environment}, shell)

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
    assert may(shell, "launcher", "create", "jobs", "shipway")
    assert not may(shell, "worker", "create", "jobs", "shipway")
    assert not may(shell, "launcher", "get", "secrets", environment)

    # Each part of the server knows where Redis is: prefect-redis has addresses of its own for some.
    for part in ("statefulset/prefect-server", "deployment/prefect-services"):
        log = kubectl(shell, "logs", part, "--namespace=shipway").stdout
        assert log
        assert "localhost:6379" not in log
    selector = "--selector app.kubernetes.io/name=prefect-server"
    assert len(installed.objects("pods", "shipway", selector)) == 2
