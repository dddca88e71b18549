"""A person's consent, through the server's own form, and what the team hears meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import State
from prefect.events.filters import EventFilter, EventResourceFilter
from prefect.flow_runs import aresume_flow_run

from shipway.kubernetes.client import KubeClient
from tests.support.events import events
from tests.support.project import Project
from tests.support.runs import run_release
from tests.support.team import Team, team

TIMEOUT = "approval_timeout_seconds: 60\n"


@pytest.fixture
async def hears(cluster_is_up: None) -> AsyncIterator[Team]:
    async with team() as hears:
        yield hears


@pytest.fixture
async def careful(cluster_project: Project, cluster: KubeClient, hears: Team) -> Project:
    """An app whose releases a person has to approve, released once."""
    assert (await run_release(cluster_project.app, until="healthy")).is_completed()
    text = cluster_project.ops_file("rollout.yaml") + "rolling: {approval: true}\n" + TIMEOUT
    text += f"notify: [{hears.block}]\n"
    cluster_project.change_ops({f"{cluster_project.folder}/rollout.yaml": text})
    cluster_project.change({"notes.txt": "A change.\n"})
    return cluster_project


def told(hears: Team) -> list[str]:
    """What it was about."""
    return [subject.partition(": ")[2] for subject in hears.subjects]


async def paused(app: str) -> UUID:
    """The flow run that waits for an answer."""
    wanted = FlowRunFilter.model_validate(
        {"name": {"like_": f"rollout · {app}"}, "state": {"type": {"any_": ["PAUSED"]}}}
    )
    async with get_client() as client:
        while True:
            found = await client.read_flow_runs(flow_run_filter=wanted)
            if found:
                return found[0].id
            await asyncio.sleep(0.2)


async def answered(project: Project, **answer: Any) -> State[Any]:
    """Release, and answer the form."""
    run = asyncio.create_task(run_release(project.app, until="healthy"))
    asked = await asyncio.wait_for(paused(project.app), 60)
    await aresume_flow_run(asked, run_input=answer)
    return await run


def trailer(project: Project, key: str) -> str:
    wanted = f"--format=%(trailers:key={key},valueonly)"
    return str(project.ops.git.log("-1", wanted, project.ops_log()[0])).strip()


async def test_who_approved_and_why_is_in_the_commit(careful: Project, hears: Team) -> None:
    state = await answered(careful, approve=True, who="Ada\nLovelace", reason="it looks good")
    assert state.is_completed(), state.message
    assert trailer(careful, "Approved-By") == "Ada Lovelace (unverified)"
    assert trailer(careful, "Approved-Because") == "it looks good"
    assert trailer(careful, "Revision") == careful.revision
    assert told(hears) == ["release.start", "release.approval", "release.done"]
    # What stands is not asked about again.
    assert (await run_release(careful.app, until="healthy")).is_completed()


async def test_each_step_is_an_event_for_automations(cluster_project: Project) -> None:
    app = cluster_project.app
    assert (await run_release(app, until="healthy")).is_completed()
    environment = EventResourceFilter(id=[f"shipway.environment.staging.{app}"])
    heard = await events(EventFilter(resource=environment), at_least=3)
    told = [event for event in heard if event.event != "shipway.release.waits"]
    names = [event.event.removeprefix("shipway.release.") for event in told]
    assert names == ["start", "step", "done"]
    assert {event.payload["revision"] for event in heard} == {cluster_project.revision}
    assert app in told[-1].payload["words"]


async def test_a_no_commits_nothing(careful: Project, hears: Team) -> None:
    before = careful.ops_log()
    state = await answered(careful, approve=False, who="Ada", reason="not on a Friday")
    assert state.is_failed()
    assert "Ada did not approve '1/1 rolling'." in str(state.message)
    assert "not on a Friday" in str(state.message)
    assert careful.ops_log() == before
    assert told(hears) == ["release.start", "release.approval", "release.failure"]


async def test_without_an_answer_the_rollout_halts(careful: Project, hears: Team) -> None:
    text = careful.ops_file("rollout.yaml").replace(TIMEOUT, "approval_timeout_seconds: 2\n")
    careful.change_ops({f"{careful.folder}/rollout.yaml": text})
    before = careful.ops_log()
    state = await run_release(careful.app, until="healthy")
    assert state.is_failed()
    assert "Nobody approved '1/1 rolling'." in str(state.message)
    assert careful.ops_log() == before
    assert told(hears) == ["release.start", "release.approval", "release.halt"]


async def test_a_team_that_cannot_be_told_stops_no_rollout(careful: Project, hears: Team) -> None:
    text = careful.ops_file("rollout.yaml").replace("rolling: {approval: true}\n", "")
    text = text.partition("notify:")[0] + "notify: [slack-webhook/nobody]\n"
    careful.change_ops({f"{careful.folder}/rollout.yaml": text})
    state = await run_release(careful.app, until="healthy")
    assert state.is_completed(), state.message
    assert told(hears) == []
