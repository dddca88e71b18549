"""The gateway: Gateway API's kinds in the cluster, and Traefik, which does what they say.

An app is reached through it once an HTTPRoute names the Gateway as its parent. Traefik gives each
backend its share by weighted round robin, so that of 1,000 requests at weight 10, 100 go there.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import cluster
import machine
import node
import processes
from gobuild import Program
from state import STATE, Unavailable, read

NAME = "traefik"
CLASS = "traefik"
NAMESPACE = "gateway"
GATEWAY = "public"
PORT = 80
_METRICS_PORT = 8082
_DATA = STATE / "gateway"
_PROGRAM = Program(
    name="traefik",
    folder="kube",
    package="github.com/traefik/traefik/v3/cmd/traefik",
    flags="-s -w -X github.com/traefik/traefik/v3/pkg/version.Version=3.6.12",
)
_API = "sigs.k8s.io/gateway-api"


def build(report: Callable[[int], None]) -> None:
    """Have Traefik and Gateway API's kinds in the cache folder.

    Raises:
        Unavailable: They cannot be had here, or the cluster is none of the sandbox's own nodes.
    """
    if read().get("cluster") != "node":
        raise Unavailable(
            "the sandbox has a gateway for its own node only: in another cluster, install one that "
            "speaks Gateway API, and set SHIPWAY_GATEWAY and SHIPWAY_PROMETHEUS to their URLs"
        )
    _PROGRAM.have(report)
    if not _kinds().exists():
        folder = _PROGRAM.module(_API) / "config" / "crd" / "standard"
        # Two may come at once: each writes its own, and the last one stays.
        draft = _kinds().with_suffix(f".{os.getpid()}")
        draft.write_text("---\n".join(file.read_text() for file in sorted(folder.glob("*.yaml"))))
        draft.rename(_kinds())


def up() -> None:
    """Start the gateway, and wait until it takes requests.

    Raises:
        Unavailable: It ends or does not get ready; with the end of its log.
    """
    if processes.pid_of(NAME) is None:
        node.apply(cluster.KUBECONFIG, _kinds().read_text())
        node.wait_for(cluster.KUBECONFIG, "Established", "customresourcedefinition", "--all")
        node.apply(cluster.KUBECONFIG, "\n---\n".join(json.dumps(body) for body in _objects()))
        command = machine.inside(str(_PROGRAM.path), f"--configFile={_configuration()}")
        processes.start(NAME, command, env={"KUBECONFIG": str(cluster.KUBECONFIG)})
    processes.wait_until(_answers, NAME)
    # What an earlier start left in the status says nothing of this one; its answer does.
    node.wait_for(cluster.KUBECONFIG, "Programmed", "gateway", GATEWAY, f"--namespace={NAMESPACE}")


def url() -> str:
    """Where requests go in, known before it is up; a given cluster's own is the user's to name."""
    if read().get("cluster") != "node":
        return os.environ.get("SHIPWAY_GATEWAY", "")
    return f"http://{machine.address()}"


def metrics() -> str:
    """Host and port that Prometheus scrapes."""
    return f"{machine.address()}:{_METRICS_PORT}"


def _kinds() -> Path:
    return _PROGRAM.path.with_name("gateway-api.yaml")


def _answers() -> bool:
    """Without a route, the answer is 404."""
    try:
        with urllib.request.urlopen(url(), timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _objects() -> list[dict[str, object]]:
    version = "gateway.networking.k8s.io/v1"
    listener = {
        "name": "http",
        "protocol": "HTTP",
        "port": PORT,
        "allowedRoutes": {"namespaces": {"from": "All"}},
    }
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {
            "apiVersion": version,
            "kind": "GatewayClass",
            "metadata": {"name": CLASS},
            "spec": {"controllerName": "traefik.io/gateway-controller"},
        },
        {
            "apiVersion": version,
            "kind": "Gateway",
            "metadata": {"name": GATEWAY, "namespace": NAMESPACE},
            "spec": {"gatewayClassName": CLASS, "listeners": [listener]},
        },
    ]


def _configuration() -> str:
    address = machine.address()
    # A pod that goes away refuses connections a moment before the endpoints say so. Such a request
    # has not left the gateway yet: another pod may have it, whatever its method.
    again = {"retry": {"attempts": 4, "initialInterval": "20ms"}}
    routing = _write("routing.yml", {"http": {"middlewares": {"again": again}}})
    buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
    return _write(
        "traefik.yml",
        {
            "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
            "log": {"level": "WARN"},
            "entryPoints": {
                "web": {
                    "address": f"{address}:{PORT}",
                    "http": {"middlewares": ["again@file"]},
                },
                "metrics": {"address": metrics()},
            },
            "providers": {
                # How long a change may wait for the next; the default of 2 s is for many of them.
                "providersThrottleDuration": "100ms",
                "kubernetesGateway": {"statusAddress": {"ip": address}},
                "file": {"filename": routing, "watch": False},
            },
            "metrics": {"prometheus": {"entryPoint": "metrics", "buckets": buckets}},
        },
    )


def _write(name: str, content: dict[str, object]) -> str:
    """Write a file in JSON, which is YAML too."""
    _DATA.mkdir(exist_ok=True)
    file = _DATA / name
    file.write_text(json.dumps(content, indent=2))
    return str(file)
