"""What Prometheus is told by `shipway metrics`, and what it is not told while nobody knows."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from prometheus_client import generate_latest

from shipway.cli import metrics as module
from shipway.cli.metrics import Exporter
from shipway.cli.prefect_server import PrefectServer
from shipway.errors import RetryError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.rollout.deployed import deployed_in
from shipway.rollout.status import SUMMARY, AppStatus, WhatRuns
from tests.support.app_environments import SHOP
from tests.support.memory_ops import MemoryShop
from tests.support.rolling_environment import ROLLOUT, WEB


class Sources:
    """An ops repository and a Prefect server, each of which may be away."""

    def __init__(self) -> None:
        self.shop = MemoryShop({"rollout.yaml": ROLLOUT, "web.yaml": WEB})
        self.ended: list[dict[str, Any]] = []
        self.away = ""

    def get(self, path: str) -> dict[str, Any]:
        assert path == f"artifacts/{SUMMARY}/latest"
        return {"data": WhatRuns().summary()}

    def all(self, path: str, body: dict[str, Any]) -> list[Any]:
        self._answers("prefect")
        named = {"flows/filter": [{"id": "1", "name": "release"}], "flow_runs/filter": self.ended}
        summary = [{"key": "shop-prod-summary", "flow_run_id": "1", "data": json.dumps([SAID])}]
        return {**named, "artifacts/filter": summary}[path]

    def post(self, path: str, body: dict[str, Any]) -> Any:
        self._answers("prefect")
        return 0 if path == "flow_runs/count" else []

    def consult_each(
        self, question: Callable[[OpsFolder, Callable[[], History]], object]
    ) -> list[object]:
        self._answers("git")
        return [self.shop.ops.consult(SHOP, lambda folder, read: question(folder, lambda: read))]

    def _answers(self, source: str) -> None:
        if self.away == source:
            raise RetryError(f"{source} does not answer.")


SAID = {"app": "shop", "environment": "prod", "result": "done", "stages": {"build": 3.0}}
ENDED = {
    "id": "1",
    "flow_id": "1",
    "state_type": "COMPLETED",
    "parameters": {},
    "tags": [],
    "expected_start_time": "2026-11-30T08:00:00Z",
    "start_time": "2026-11-30T08:00:02Z",
}


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> Sources:
    sources = Sources()
    monkeypatch.setattr(module, "ops_repository", lambda _: sources)
    return sources


@pytest.fixture
def exporter(sources: Sources) -> Exporter:
    return Exporter(cast("PrefectServer", sources))


def told(exporter: Exporter) -> set[str]:
    """The names of the metrics that have a value."""
    return {one.name for one in exporter.registry.collect() if one.samples}


def test_nothing_is_told_before_anybody_has_looked(exporter: Exporter) -> None:
    assert told(exporter) == set()


def test_while_git_is_away_from_the_start_no_run_counts(
    sources: Sources, exporter: Exporter, capsys: pytest.CaptureFixture[str]
) -> None:
    sources.away = "git"
    exporter.look()
    assert told(exporter) == set()
    assert "git does not answer." in capsys.readouterr().err


def test_what_is_true_of_now_goes_with_its_source_and_what_was_counted_stays(
    sources: Sources, exporter: Exporter
) -> None:
    sources.shop.release(1)
    exporter.look()
    everything = told(exporter)
    sources.away = "git"
    exporter.look()
    of_git = {"shipway_held_images", "shipway_health", "shipway_unreadable_folders"}
    assert of_git & told(exporter) == set()
    assert {"shipway_deployments", "shipway_queued_runs"} <= told(exporter)
    sources.away = "prefect"
    exporter.look()
    assert "shipway_queued_runs" not in told(exporter)
    assert {"shipway_releases", *of_git} <= told(exporter)
    sources.away = ""
    exporter.look()
    assert told(exporter) == everything


def test_a_folder_that_cannot_be_read_is_told_and_keeps_no_other_away(
    sources: Sources, exporter: Exporter
) -> None:
    sources.shop.memory.edit({"rollout.yaml": b"strategy: none\n"})
    exporter.look()
    assert exporter.registry.get_sample_value("shipway_unreadable_folders") == 1
    assert "shipway_releases" in told(exporter)


def test_promtool_has_nothing_to_say_of_all_that_is_told(
    sources: Sources, exporter: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources.shop.release(1)
    deployed = deployed_in(sources.shop.memory.fetch(SHOP))
    seen = AppStatus(
        app="shop", environment="prod", deployed=deployed, health="healthy", at=datetime.now(UTC)
    )
    known = {"data": WhatRuns(statuses=(seen,)).summary()}
    monkeypatch.setattr(sources, "get", lambda _: known)
    exporter.look()
    sources.ended = [ENDED]
    exporter.look()
    page = generate_latest(exporter.registry)
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=page, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    labels = {"app": "shop", "environment": "prod"}
    released = {"flow": "release", "outcome": "done", **labels}
    assert exporter.registry.get_sample_value("shipway_releases_total", released) == 1
    assert exporter.registry.get_sample_value("shipway_unapplied_seconds", labels) == 0
