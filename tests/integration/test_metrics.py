"""What `shipway metrics` tells of the real Prefect server, and of a real Git server."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from prefect import get_client
from prefect.client.schemas.actions import ArtifactCreate
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Completed, Crashed, Failed, Running, Scheduled
from tenacity import (
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_after_delay,
    wait_fixed,
)

from examples import repositories
from flows.plan import plan
from flows.release import release
from shipway.cli import metrics
from shipway.cli.ended_runs import queued
from shipway.cli.main import UNKNOWN
from shipway.cli.metrics import Exporter
from shipway.cli.prefect_server import connect
from shipway.git.record import write_record
from tests.support.own_ops import own_ops
from tests.support.rolling_environment import ROLLOUT, WEB, image

SHIPWAY = str(Path(sys.executable).with_name("shipway"))


class Place:
    """An app of its own in an ops repository of its own, and an exporter that knows of it."""

    def __init__(self, sandbox: dict[str, str], folder: Path, patched: pytest.MonkeyPatch) -> None:
        self.app = f"shop-{uuid.uuid4().hex[:6]}"
        self.clone, ops = own_ops(sandbox, folder, patched)
        patched.setattr(metrics, "ops_repository", lambda _: ops)
        self.write(rollout=ROLLOUT.decode(), web=WEB.decode())
        self.exporter = Exporter(connect(sandbox))
        self._runs: list[FlowRun] = []

    def write(self, **files: str) -> None:
        named = {f"prod/{self.app}/{name}.yaml": text for name, text in files.items()}
        repositories.commit(self.clone, "By hand", named)

    def release(self, number: int) -> None:
        """Commit as a release does, an hour after its revision."""
        said = {
            "App": self.app,
            "Environment": "prod",
            "Revision": str(number) * 40,
            "Revision-Date": (datetime.now(UTC) - timedelta(hours=1)).isoformat(),
            "Image": str(image(number)),
            "Step": "1/1 rolling",
            "Run": f"run {number}",
        }
        folder = f"prod/{self.app}"
        text = WEB.decode().replace("shop:0", str(image(number)))
        record = write_record({**said, "At": datetime.now(UTC).isoformat()}).decode()
        lines = "\n".join(f"{name}: {it}" for name, it in said.items())
        repositories.commit(
            self.clone,
            f"{self.app} → prod\n\n{lines}",
            {f"{folder}/web.yaml": text, f"{folder}/RELEASE": record},
        )

    async def look(self) -> None:
        await asyncio.to_thread(self.exporter.look)

    def value(self, name: str, **labels: str) -> float | None:
        return self.exporter.registry.get_sample_value(f"shipway_{name}", labels)

    def releases(self, outcome: str) -> float | None:
        whose = {"app": self.app, "environment": "prod"}
        return self.value("releases_total", flow="release", outcome=outcome, **whose)

    async def run(self, *states: State, result: str = "") -> FlowRun:
        """A run of a release that goes through some states, and what it leaves."""
        parameters = {"app": self.app, "environment": "prod"}
        async with get_client() as client:
            run = await client.create_flow_run(release, parameters=parameters)
            self._runs.append(run)
            for state in states:
                await client.set_flow_run_state(run.id, state, force=True)
            if result:
                row = {**parameters, "result": result, "stages": {"build": 12.0}}
                left = {"key": f"{self.app}-prod-summary", "type": "table", "flow_run_id": run.id}
                data = json.dumps([row])
                await client.create_artifact(ArtifactCreate.model_validate({**left, "data": data}))
        return run

    async def remove(self) -> None:
        async with get_client() as client:
            for run in self._runs:
                await client.delete_flow_run(run.id)


@pytest.fixture
async def place(
    sandbox: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    made = await asyncio.to_thread(Place, sandbox, tmp_path, monkeypatch)
    yield made
    await made.remove()


async def test_runs_of_the_server_count_once_they_have_ended(place: Place) -> None:
    await place.run(Running(), Completed())
    await place.look()
    assert {place.releases(one) for one in ("done", "refused", "crashed", "error")} == {0}
    await place.run(Running(), Completed(), result="done")
    await place.run(Running(), Failed(), result="refused")
    await place.run(Running(), Crashed())
    await place.run(Running(), Failed())
    await place.run(Running())
    for _ in range(2):
        await place.look()
        told = [place.releases(one) for one in ("done", "refused", "crashed", "error")]
        assert told == [1, 1, 1, 1]
    assert place.value("stage_seconds_sum", app=place.app, environment="prod", stage="build") == 12
    assert (place.value("run_queue_seconds_count", flow="release") or 0) >= 4


async def test_a_run_that_nobody_takes_is_told_with_its_wait(place: Place) -> None:
    due = datetime.now(UTC) - timedelta(hours=1)
    async with get_client() as client:
        run = await client.create_flow_run(plan, state=Scheduled(scheduled_time=due))
        later = datetime.now(UTC) + timedelta(hours=1)
        other = await client.create_flow_run(plan, state=Scheduled(scheduled_time=later))
    place._runs += [run, other]
    waits = (await asyncio.to_thread(queued, connect()))["plan"]
    assert waits.runs >= 1
    assert waits.oldest_seconds >= 3600


async def test_the_history_on_the_git_server_counts_and_counts_again_from_anew(
    place: Place, sandbox: dict[str, str]
) -> None:
    whose = {"app": place.app, "environment": "prod"}
    await place.look()
    assert place.value("deployments_total", **whose) == 0
    for number in (1, 2):
        await asyncio.to_thread(place.release, number)
        await place.look()
        assert place.value("deployments_total", **whose) == number
    place.write(web=WEB.decode().replace("shop:0", str(image(1))))
    await place.look()
    assert place.value("rollbacks_total", **whose) == 1
    assert place.value("lead_time_seconds_bucket", le="7200.0", **whose) == 2
    place.exporter = Exporter(connect(sandbox))
    await place.look()
    assert [
        place.value(name, **whose)
        for name in ("deployments_total", "rollbacks_total", "lead_time_seconds_count")
    ] == [2, 1, 2]
    assert place.value("held_images", **whose) == 0
    assert place.value("health", health="unknown", **whose) == 1


def test_the_command_serves_what_it_has_seen_until_it_is_told_to_end(
    ops_server: None, tmp_path: Path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
        taken = subprocess.run(
            [SHIPWAY, "metrics", "--port", port], capture_output=True, text=True, check=False
        )
    assert (taken.returncode, "Nobody can listen there." in taken.stderr) == (UNKNOWN, True)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([SHIPWAY, "metrics", "--port", port], stdout=log, stderr=log)
    try:
        asking = Retrying(
            retry=retry_if_result(lambda page: 'seconds{source="prefect"}' not in page)
            | retry_if_exception_type(httpx.HTTPError),
            stop=stop_after_delay(120),
            wait=wait_fixed(0.2),
        )
        page = asking(lambda: httpx.get(f"http://127.0.0.1:{port}/metrics").text)
        assert 'shipway_queued_runs{flow="release"}' in page
        assert "shipway_unreadable_folders" in page
        assert "_created" not in page
    finally:
        process.terminate()
        assert process.wait(30) == -signal.SIGTERM
    assert f"http://127.0.0.1:{port}/metrics" in (tmp_path / "log").read_text()
