"""A person's consent, through the server's own form, and what the team hears meanwhile."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from uuid import UUID

import pytest
from prefect import get_client
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import State
from prefect.events import Event
from prefect.events.filters import EventFilter, EventNameFilter, EventResourceFilter
from prefect.flow_runs import aresume_flow_run

from shipway.kubernetes.client import KubeClient
from tests.support.project import Project
from tests.support.runs import run_release

TIMEOUT = "approval_timeout_seconds: 60\n"


class Team(BaseHTTPRequestHandler):
    """What a team hears."""

    heard: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.heard.append(body["subject"].partition(": ")[2])
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
async def team(cluster_is_up: None) -> AsyncIterator[str]:
    """A notification block whose webhook is a server of the test's own."""
    Team.heard.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Team)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    block = CustomWebhookNotificationBlock(
        name="team",
        url=f"http://127.0.0.1:{server.server_port}/",
        json_data={"subject": "{{subject}}", "body": "{{body}}"},
        allow_private_urls=True,
    )
    name = f"team-{server.server_port}"
    await block.asave(name)
    yield f"{block.get_block_type_slug()}/{name}"
    server.shutdown()
    async with get_client() as client:
        document = await client.read_block_document_by_name(name, block.get_block_type_slug())
        await client.delete_block_document(document.id)


@pytest.fixture
async def careful(cluster_project: Project, cluster: KubeClient, team: str) -> Project:
    """An app whose releases a person has to approve, released once."""
    assert (await run_release(cluster_project.app, until="healthy")).is_completed()
    text = cluster_project.ops_file("rollout.yaml") + "rolling: {approval: true}\n" + TIMEOUT
    text += f"notify: [{team}]\n"
    cluster_project.change_ops({f"{cluster_project.folder}/rollout.yaml": text})
    cluster_project.change({"notes.txt": "A change.\n"})
    return cluster_project


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


async def test_who_approved_and_why_is_in_the_commit(careful: Project) -> None:
    state = await answered(careful, approve=True, who="Ada\nLovelace", reason="it looks good")
    assert state.is_completed(), state.message
    assert trailer(careful, "Approved-By") == "Ada Lovelace"
    assert trailer(careful, "Approved-Because") == "it looks good"
    assert trailer(careful, "Revision") == careful.revision
    assert Team.heard == ["start", "approval", "done"]
    # What stands is not asked about again.
    assert (await run_release(careful.app, until="healthy")).is_completed()


async def events(app: str) -> list[str]:
    """What the Prefect server heard of the app's rollouts, oldest first."""
    wanted = EventFilter(
        event=EventNameFilter(prefix=["shipway.rollout."]),
        resource=EventResourceFilter(id=[f"shipway.rollout.staging/{app}"]),
    )
    async with get_client() as client:
        found = (await client.read_events(filter=wanted, limit=50)).events
    return [one.event.removeprefix("shipway.rollout.") for one in sorted(found, key=_when)]


def _when(event: Event) -> datetime:
    return event.occurred


async def test_each_step_is_an_event_for_automations(cluster_project: Project) -> None:
    app = cluster_project.app
    assert (await run_release(app, until="healthy")).is_completed()
    wanted = ["start", "step", "done"]
    for _ in range(50):
        if (heard := await events(app)) == wanted:
            break
        await asyncio.sleep(0.2)
    assert heard == wanted


async def test_a_no_commits_nothing(careful: Project) -> None:
    before = careful.ops_log()
    state = await answered(careful, approve=False, who="Ada", reason="not on a Friday")
    assert state.is_failed()
    assert "Ada did not approve '1/1 rolling'." in str(state.message)
    assert "not on a Friday" in str(state.message)
    assert careful.ops_log() == before
    assert Team.heard == ["start", "approval", "failure"]


async def test_without_an_answer_the_rollout_halts(careful: Project) -> None:
    text = careful.ops_file("rollout.yaml").replace(TIMEOUT, "approval_timeout_seconds: 2\n")
    careful.change_ops({f"{careful.folder}/rollout.yaml": text})
    before = careful.ops_log()
    state = await run_release(careful.app, until="healthy")
    assert state.is_failed()
    assert "Nobody approved '1/1 rolling'." in str(state.message)
    assert careful.ops_log() == before
    assert Team.heard == ["start", "approval", "halt"]


async def test_a_team_that_cannot_be_told_stops_no_rollout(careful: Project) -> None:
    text = careful.ops_file("rollout.yaml").replace("rolling: {approval: true}\n", "")
    text = text.partition("notify:")[0] + "notify: [slack-webhook/nobody]\n"
    careful.change_ops({f"{careful.folder}/rollout.yaml": text})
    state = await run_release(careful.app, until="healthy")
    assert state.is_completed(), state.message
    assert Team.heard == []
