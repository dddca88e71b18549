"""What a subflow tells on the run that people open, on the real Prefect server."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any

import pytest
from prefect import flow, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName
from prefect.client.schemas.objects import FlowRun, State
from prefect.events.filters import EventFilter, EventRelatedFilter

from blocks.source_repository import SourceRepository
from flows.runtime import overtaken
from flows.steps.take_step import take_step
from flows.tasks.rollout import preflight
from shipway.release import Release
from shipway.reports.timeline import Timeline
from tests.support.events import events
from tests.support.origin import Origin
from tests.support.process_workers import log_of, logged, reached
from tests.support.rolling_environment import ROLLOUT, RollingEnvironment, image
from tests.support.run_contexts import LINK, run_context

APPROVAL = ROLLOUT + b"agent: external\nrolling: {approval: true}\n"
ASKED = "1/1 rolling waits for an approval. no gate was asked yet"


@pytest.fixture
def environment(
    sandbox: dict[str, str], origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> RollingEnvironment:
    """An environment where a person has to approve; its repositories are no blocks."""
    environment = RollingEnvironment(origin, Origin(tmp_path / "app"))
    environment.origin.commit({"prod/shop/rollout.yaml": APPROVAL})

    async def load_block(kind: type, _name: str = "default") -> Any:
        return environment.source if kind is SourceRepository else environment.ops

    for module in (overtaken, preflight):
        monkeypatch.setattr(module, "load_block", load_block)
    return environment


async def run_named(name: str) -> FlowRun:
    async with get_client() as client:
        while True:
            wanted = FlowRunFilter(name=FlowRunFilterName(any_=[name]))
            if found := await client.read_flow_runs(flow_run_filter=wanted):
                return found[0]
            await asyncio.sleep(0.1)


async def test_a_release_that_is_overtaken_is_no_longer_asked_about(
    environment: RollingEnvironment,
) -> None:
    older = Release(revision=environment.older, image=image(1))
    target, step = environment.target(), environment.step(image(1))
    name = str(uuid.uuid4())

    @flow(flow_run_name=f"waits {name}")
    async def waits() -> None:
        await take_step(target, step, older, {}, Timeline("shop"), {})

    @flow(flow_run_name=f"opened {name}")
    async def opened() -> None:
        await waits()

    running = asyncio.create_task(opened(return_state=True))  # pyright: ignore
    asked = await run_named(f"waits {name}")
    await reached(asked, State.is_paused)
    environment.run = run_context(2)
    environment.origin.commit({"prod/shop/rollout.yaml": ROLLOUT})
    await asyncio.to_thread(environment.release, environment.newer, image(2))
    ended: State[Any] = await running
    assert ended.is_failed()
    assert f"{environment.newer.short} won, at " in str(ended.message)
    assert f"{LINK}2" in str(ended.message)
    assert (await reached(asked, State.is_final)).is_failed()

    people_open = await run_named(f"opened {name}")
    assert await logged(people_open, ASKED)
    assert (await log_of(people_open)).count(ASKED) == 1
    assert ASKED not in await log_of(asked)
    about = EventRelatedFilter(id=[f"prefect.flow-run.{people_open.id}"], role=["opened-run"])
    (event,) = await events(EventFilter(related=about), at_least=1)
    assert event.event == "shipway.release.approval"
    assert event.resource.id == "shipway.environment.prod.shop"
