"""What the real Prometheus makes of the metrics, the alerts and the dashboard."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client import start_http_server
from tenacity import AsyncRetrying, stop_after_delay, wait_fixed

from shipway.prometheus import Prometheus, Sample
from tests.support.metric_sources import MetricSources, told_pages
from tests.support.project import HOME, bring_up

FOLDER = HOME / "deployments" / "monitoring"
# What Grafana puts in place of its variables.
GRAFANA = {"$__range": "7d", "$__interval": "5m", "$__rate_interval": "5m"}


@pytest.fixture(scope="module", autouse=True)
def _prometheus(sandbox: dict[str, str]) -> None:
    """Prometheus and promtool, which come with the sandbox's gateway where they are missing."""
    if shutil.which("promtool") is None:
        bring_up("gateway", "--gateway")


def promtool(*words: str | Path, page: str = "") -> str:
    done = subprocess.run(
        ["promtool", *words], cwd=FOLDER, input=page, capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_every_metric_is_named_and_described_as_prometheus_wants_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for page in told_pages(monkeypatch):
        assert promtool("check", "metrics", page=page) == ""


def test_alerts_and_scrapes_are_valid_and_each_alert_fires_when_it_should() -> None:
    assert promtool("check", "config", "prometheus.yaml") == ""
    assert promtool("test", "rules", "alerts.test.yaml") == ""


def test_every_expression_of_the_dashboard_is_promql(tmp_path: Path) -> None:
    dashboard = json.loads((FOLDER / "dashboard.json").read_text("utf-8"))
    expressions = [
        target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())
    ]
    rules = [
        {"record": f"panel:{number}", "expr": _filled_in(expression)}
        for number, expression in enumerate(expressions)
    ]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert promtool("check", "rules", file) == ""


def _filled_in(expression: str) -> str:
    for name, value in GRAFANA.items():
        expression = re.sub(rf"{re.escape(name)}\b", value, expression)
    return expression


@pytest.fixture
def exporter_port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Where an exporter serves that has looked at a release."""
    sources = MetricSources(monkeypatch)
    sources.shop.release(1)
    exporter = sources.exporter()
    exporter.look()
    server, _ = start_http_server(0, "127.0.0.1", exporter.registry)
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def prometheus(exporter_port: int, tmp_path: Path) -> Iterator[Prometheus]:
    """A Prometheus that scrapes it each second."""
    targets = [{"targets": [f"127.0.0.1:{exporter_port}"]}]
    scrape = {"job_name": "shipway", "scrape_interval": "1s", "static_configs": targets}
    (tmp_path / "prometheus.yml").write_text(json.dumps({"scrape_configs": [scrape]}))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = ["prometheus", f"--config.file={tmp_path / 'prometheus.yml'}"]
    command += [f"--storage.tsdb.path={tmp_path / 'data'}", f"--web.listen-address={address}"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    yield Prometheus(url=f"http://{address}")
    process.terminate()
    process.wait(30)


async def test_prometheus_has_what_the_exporter_tells(prometheus: Prometheus) -> None:
    asking = AsyncRetrying(stop=stop_after_delay(60), wait=wait_fixed(0.5), reraise=True)

    async def ask() -> Sample:
        (found,) = await prometheus.query('shipway_deployments_total{job="shipway"}')
        return found

    found = await asking(ask)
    assert found.value == 1
    assert (found.labels["app"], found.labels["environment"]) == ("shop", "prod")
