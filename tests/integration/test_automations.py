"""The automations on the real Prefect server: made once, left to people, and what each does."""

from __future__ import annotations

import asyncio
import os
import signal
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.events import emit_event
from prefect.states import Pending

from deployments import make_automations as module
from deployments.make_automations import FOLDER, make_automations, with_ids
from deployments.warm.worker import WARM
from tests.support.process_workers import Runs, over, reached, running_worker
from tests.support.team import team

OFTEN = {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}


@pytest.fixture
async def client(sandbox: dict[str, str]) -> AsyncIterator[PrefectClient]:
    async with get_client() as client:
        yield client


@pytest.fixture
def name() -> str:
    return f"test-{uuid.uuid4().hex[:8]}"


def automation(file: str, name: str, trigger: dict[str, Any]) -> dict[str, Any]:
    """One of Shipway's automations, under a name of the test's own and for its own events."""
    said = yaml.safe_load((FOLDER / file).read_text())
    return {**said, "name": name, "trigger": {**said["trigger"], **trigger}}


async def test_one_that_people_have_changed_or_switched_off_stays_so(
    client: PrefectClient, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    nobody = {"match": {"prefect.resource.id": name}}
    said = automation("crash-silent-runs.yaml", name, nobody)
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(said))
    told = automation("tell-of-red-gates.yaml", f"{name}-told", nobody)
    (tmp_path / "b.yaml").write_text(yaml.safe_dump(told))
    await make_automations({})
    (made,) = await client.read_automations_by_name(name)
    assert made.enabled
    try:
        await client.pause_automation(made.id)
        await make_automations({"SHIPWAY_NOTIFY": f"slack-webhook/{name}"})
        (kept,) = await client.read_automations_by_name(name)
        assert (kept.id, kept.enabled) == (made.id, False)
        # Nobody is to be told, or the block is not there.
        assert await client.read_automations_by_name(f"{name}-told") == []
    finally:
        await client.delete_automation(made.id)


async def runs_of(client: PrefectClient, deployment: uuid.UUID) -> list[FlowRun]:
    only = DeploymentFilter(id=DeploymentFilterId(any_=[deployment]))
    return await client.read_flow_runs(deployment_filter=only)


def tell(what: str, app: str) -> None:
    """Emit an event as releases do."""
    resource = {
        "prefect.resource.id": f"shipway.environment.staging.{app}",
        "prefect.resource.name": f"staging/{app}",
        "shipway.app": app,
        "shipway.environment": "staging",
    }
    payload = {"words": "gate errors: 5 of 100", "run": "https://prefect.example.org/1"}
    emit_event(f"shipway.{what}", resource, payload=payload)


async def in_force(client: PrefectClient, name: str) -> None:
    """Wait until the server goes by the automations that it has.

    It hears of a changed one later than who changed it, by seconds where it has lost its listener
    to the database, and reacts to no event before. It hears of them in order, so one that is made
    now and reacts says that those before do.
    """
    flow = await client.create_flow_from_name(name)
    deployment = await client.create_deployment(flow, "probe")
    probe = {
        "name": f"{name}-probe",
        "trigger": {"type": "event", "expect": [f"probe.{name}"], "within": 0},
        "actions": [{"type": "run-deployment", "deployment_id": str(deployment)}],
    }
    made = await client.create_automation(await with_ids(client, probe))
    try:
        async with asyncio.timeout(120):
            while not await runs_of(client, deployment):
                emit_event(f"probe.{name}", {"prefect.resource.id": name})
                await asyncio.sleep(0.5)
    finally:
        await client.delete_automation(made)
        await client.delete_deployment(deployment)


async def test_a_team_is_told_of_a_red_gate_in_the_words_of_the_event(
    client: PrefectClient, name: str
) -> None:
    async with team() as hears:
        said = automation("tell-of-red-gates.yaml", name, {})
        said["trigger"]["match"] = {"prefect.resource.id": f"shipway.environment.staging.{name}"}
        said["actions"][0]["block_document_id"] = hears.block
        made = await client.create_automation(await with_ids(client, said))
        try:
            await client.resume_automation(made)
            await in_force(client, name)
            tell("release.done", name)
            tell("release.red", name)
            async with asyncio.timeout(120):
                while not hears.subjects:  # noqa: ASYNC110
                    await asyncio.sleep(0.2)
            assert hears.subjects == [f"staging/{name} is red"]
            assert "gate errors: 5 of 100\nhttps://prefect.example.org/1" in hears.bodies[0]
        finally:
            await client.delete_automation(made)


@pytest.fixture
def silent(sandbox: dict[str, str], tmp_path: Path) -> Iterator[tuple[Runs, Runs]]:
    """Two runs' notes, on a worker that is to be killed."""
    with running_worker(WARM, tmp_path) as worker:
        folders = [tmp_path / "killed", tmp_path / "waits"]
        for folder in folders:
            folder.mkdir()
        killed, waits = (Runs(worker, folder) for folder in folders)
        yield killed, waits


async def slots_of(client: PrefectClient, deployment: uuid.UUID) -> int:
    limit = (await client.read_deployment(deployment)).global_concurrency_limit
    assert limit is not None
    return limit.active_slots


async def test_a_run_that_is_killed_with_its_worker_crashes_and_one_that_waits_does_not(
    client: PrefectClient, name: str, silent: tuple[Runs, Runs]
) -> None:
    killed, waits = silent
    deployment = killed.worker.deployment
    await client.update_deployment(deployment, DeploymentUpdate(concurrency_limit=2))
    theirs = {
        "prefect.resource.role": "deployment",
        "prefect.resource.id": f"prefect.deployment.{deployment}",
    }
    made: list[uuid.UUID] = []
    for file in ("crash-silent-runs.yaml", "crash-lost-runs.yaml"):
        said = automation(file, f"{name}-{file}", {})
        asked = said["trigger"].get("match_related")
        said["trigger"]["match_related"] = [theirs, asked] if asked else theirs
        # So soon, before the second heartbeat.
        said["trigger"]["within"] = 25
        made.append(await client.create_automation(await with_ids(client, said)))
    await in_force(client, name)
    waiting = await waits.start(wait=True, env=OFTEN)
    # It may die before its first heartbeat.
    run = await killed.start(seconds=600, env=OFTEN, tags=["shipway"])
    try:
        await reached(waiting, State.is_paused)
        process = await killed.began()
        assert await slots_of(client, deployment) == 1
        killed.worker.process.kill()
        os.kill(process, signal.SIGKILL)
        # As a worker does that dies before there is a process.
        taken = await killed.start(tags=["shipway"])
        await client.set_flow_run_state(taken.id, Pending())
        for silent_run in (run, taken):
            crashed = await over(silent_run)
            assert crashed.type is StateType.CRASHED
            assert str(crashed.message).startswith("Nothing was heard of this run")
        left = (await client.read_flow_run(waiting.id)).state
        assert left is not None
        assert left.is_paused()
        assert await slots_of(client, deployment) == 0
    finally:
        os.kill(await waits.began(), signal.SIGKILL)
        for automation_id in made:
            await client.delete_automation(automation_id)
