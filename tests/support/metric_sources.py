"""What an exporter asks, in memory; and all that Prometheus is ever told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

import httpx
import pytest
from prometheus_client import generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from shipway.cli import metrics
from shipway.cli.metrics import Exporter
from shipway.cli.prefect_server import PrefectServer
from shipway.errors import RetryError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.rollout.deployed import deployed_in
from shipway.rollout.status import SUMMARY, AppStatus, WhatRuns
from shipway.webhooks.receiver import receiver
from tests.support.app_environments import SHOP
from tests.support.memory_ops import MemoryShop
from tests.support.rolling_environment import ROLLOUT, WEB

_LEFT = {"app": "shop", "environment": "prod", "result": "done", "stages": {"build": 3.0}}
ENDED = {
    "id": "1",
    "flow_id": "of release",
    "state_type": "COMPLETED",
    "parameters": {},
    "tags": [],
    "expected_start_time": "2026-11-30T08:00:00Z",
    "start_time": "2026-11-30T08:00:02Z",
}


class MetricSources:
    """An ops repository with one app, and a Prefect server; either may be away.

    Attributes:
        shop: The app.
        ended: The runs that have ended.
        known: What agents have seen.
        away: Which of the two does not answer, if one does not.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shop = MemoryShop({"rollout.yaml": ROLLOUT, "web.yaml": WEB})
        self.ended: list[dict[str, Any]] = []
        self.known = WhatRuns()
        self.away = ""
        monkeypatch.setattr(metrics, "ops_repository", lambda _: self)

    def exporter(self) -> Exporter:
        return Exporter(cast("PrefectServer", self))

    def look_around(self) -> None:
        """Have an agent see that all is well."""
        deployed = deployed_in(self.shop.memory.fetch(SHOP))
        at = datetime.now(UTC)
        seen = AppStatus(
            app=SHOP.app, environment=SHOP.environment, deployed=deployed, health="healthy", at=at
        )
        self.known = WhatRuns(statuses=(seen,))

    def get(self, path: str) -> dict[str, Any]:
        assert path == f"artifacts/{SUMMARY}/latest"
        return {"data": self.known.summary()}

    def all(self, path: str, body: dict[str, Any]) -> list[Any]:
        self._answers("prefect")
        left = {"key": "shop-prod-summary", "flow_run_id": "1", "data": json.dumps([_LEFT])}
        return {
            "flows/filter": [{"id": "of release", "name": "release"}],
            "flow_runs/filter": self.ended,
            "artifacts/filter": [left],
        }[path]

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


def told_pages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the exporter and the receiver tell once everything has happened that is told."""
    sources = MetricSources(monkeypatch)
    sources.shop.release(1)
    sources.look_around()
    exporter = sources.exporter()
    exporter.look()
    sources.ended = [ENDED]
    exporter.look()
    return [generate_latest(exporter.registry).decode(), asyncio.run(_told_by_receiver())]


async def _told_by_receiver() -> str:
    async def look() -> bool:
        return True

    made = httpx.ASGITransport(receiver({"github": SecretStr("a secret")}, look))
    async with httpx.AsyncClient(transport=made, base_url="http://receiver") as client:
        return (await client.get("/metrics")).text


def told_metrics(monkeypatch: pytest.MonkeyPatch) -> dict[str, Metric]:
    """The same, by the name that queries use."""
    return {
        f"{one.name}_total" if one.type == "counter" else one.name: one
        for page in told_pages(monkeypatch)
        for one in text_string_to_metric_families(page)
    }
