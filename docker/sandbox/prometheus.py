"""Prometheus from Debian: it scrapes the pods that offer metrics, and the gateway, each second.

Those are pods with the annotation prometheus.io/scrape: "true" (and prometheus.io/port, /path and
/scheme where they differ), and those with a port named metrics, unless the annotation says "false".
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import cluster
import gateway
import machine
import podtargets
import processes
from packages import need
from state import STATE, read

NAME = "prometheus"
PORT = 9090
_TARGETS = "pod-targets"
_TARGETS_PORT = 9091
_DATA = STATE / "prometheus"
_META = podtargets.META
_SAYS = f"{_META}_annotation_prometheus_io"


def up() -> None:
    """Start it, and wait until it answers queries.

    Raises:
        Unavailable: It ends or does not get ready; with the end of its log.
    """
    if processes.pid_of(_TARGETS) is None:
        script = Path(podtargets.__file__)
        command = [sys.executable, str(script), str(cluster.KUBECONFIG), str(_TARGETS_PORT)]
        processes.start(_TARGETS, machine.inside(*command))
    if processes.pid_of(NAME) is None:
        need({"prometheus": "/usr/bin/prometheus"}, "the metrics")
        _DATA.mkdir(exist_ok=True)
        config = _DATA / "prometheus.yml"
        config.write_text(json.dumps(_configuration(), indent=2))
        processes.start(
            NAME,
            machine.inside(
                "/usr/bin/prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={_DATA / 'data'}",
                "--storage.tsdb.retention.time=1d",
                f"--web.listen-address={machine.address()}:{PORT}",
                "--log.level=warn",
            ),
        )
    processes.wait_until(
        lambda: processes.serves(f"{url()}/-/ready"), NAME, daemons=(_TARGETS, NAME)
    )


def url() -> str:
    """Where queries go, known before it is up; a given cluster's own is the user's to name."""
    if read().get("cluster") != "node":
        return os.environ.get("SHIPWAY_PROMETHEUS", "")
    return f"http://{machine.address()}:{PORT}"


def _configuration() -> dict[str, object]:
    pods = {
        "job_name": "pods",
        "http_sd_configs": [
            {"url": f"http://127.0.0.1:{_TARGETS_PORT}", "refresh_interval": "1s"}
        ],
        "relabel_configs": [
            _rule("keep", f"{_SAYS}_scrape", f"{_META}_container_port_name", "true;.*|;metrics"),
            _rule("drop", f"{_META}_phase", "Pending|Succeeded|Failed"),
            _rule("replace", f"{_SAYS}_scheme", "(https?)", to="__scheme__"),
            _rule("replace", f"{_SAYS}_path", "(.+)", to="__metrics_path__"),
            _rule(
                "replace", f"{_META}_ip", f"{_SAYS}_port", r"(.+);(\d+)",
                to="__address__", value="$1:$2",
            ),
            {"action": "labelmap", "regex": f"{_META}_label_(.+)"},
            _rule("replace", "__meta_kubernetes_namespace", "(.+)", to="namespace"),
            _rule("replace", f"{_META}_name", "(.+)", to="pod"),
        ],
    }  # fmt: skip
    gateway_job = {"job_name": "gateway", "static_configs": [{"targets": [gateway.metrics()]}]}
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [pods, gateway_job],
    }


def _rule(action: str, *what: str, to: str | None = None, value: str = "$1") -> dict[str, object]:
    """A relabelling rule: the labels to look at, and last the expression that they match."""
    rule: dict[str, object] = {
        "action": action,
        "source_labels": list(what[:-1]),
        "regex": what[-1],
    }
    return rule if to is None else {**rule, "target_label": to, "replacement": value}
