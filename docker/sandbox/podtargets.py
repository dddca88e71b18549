"""The cluster's pods as Prometheus' http_sd_configs take them: Debian builds it without Kubernetes.

The labels are those of Prometheus' own service discovery for pods, so that the rules which pods
to scrape are the same as in a cluster. Usage: podtargets.py KUBECONFIG PORT
"""

from __future__ import annotations

import base64
import json
import re
import ssl
import sys
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

META = "__meta_kubernetes_pod"


def targets(pods: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A target for each declared port of each pod that has an address, or one without a port."""
    return [
        {"targets": [address], "labels": labels}
        for pod in pods
        if pod["status"].get("podIP")
        for address, labels in _of_pod(pod)
    ]


def _of_pod(pod: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    about, status = pod["metadata"], pod["status"]
    address = status["podIP"]
    common = {
        "__meta_kubernetes_namespace": about["namespace"],
        f"{META}_name": about["name"],
        f"{META}_ip": address,
        f"{META}_phase": status.get("phase", ""),
    }
    for kind in ("label", "annotation"):
        for key, value in about.get(f"{kind}s", {}).items():
            common[f"{META}_{kind}_{re.sub(r'[^a-zA-Z0-9_]', '_', key)}"] = value
    for container in pod["spec"]["containers"]:
        for port in container.get("ports") or [{}]:
            labels = {**common, f"{META}_container_name": container["name"]}
            if not port:
                yield address, labels
                continue
            number = str(port["containerPort"])
            labels[f"{META}_container_port_number"] = number
            labels[f"{META}_container_port_name"] = port.get("name", "")
            yield f"{address}:{number}", labels


class Handler(BaseHTTPRequestHandler):
    """Asks the API server for the pods, each time that it is asked for targets."""

    trust: ssl.SSLContext
    pods: urllib.request.Request

    def do_GET(self) -> None:
        """Answer with the targets; where the API server has no answer, Prometheus keeps its own."""
        try:
            with urllib.request.urlopen(self.pods, context=self.trust, timeout=5) as answer:
                pods = targets(json.load(answer)["items"])
        except OSError as error:
            self.send_error(503, str(error))
            return
        body = json.dumps(pods).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Errors alone are worth a line; targets are asked for each second."""


def main(kubeconfig: str, port: str) -> None:
    """Serve on loopback, until the process is ended."""
    config = json.loads(Path(kubeconfig).read_text())
    server = config["clusters"][0]["cluster"]
    authority = base64.b64decode(server["certificate-authority-data"]).decode()
    Handler.trust = ssl.create_default_context(cadata=authority)
    Handler.pods = urllib.request.Request(
        # From the API server's memory: asked each second, it costs etcd nothing.
        f"{server['server']}/api/v1/pods?resourceVersion=0",
        headers={"Authorization": f"Bearer {config['users'][0]['user']['token']}"},
    )
    HTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
