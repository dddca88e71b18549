"""What can refuse a release is asked before anything is built, and a person after that."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import State
from prefect.flow_runs import aresume_flow_run

from flows.release import release
from flows.rollback import rollback
from shipway.kubernetes.client import KubeClient
from tests.support.project import Project
from tests.support.runs import run_of, run_release, summary, tasks_and_subflows

APPROVAL = "rolling: {approval: true}\napproval_timeout_seconds: 60\n"
GATE = "gates: [{name: errors, when: traffic, prometheus: {query: up, max: 1}}]\nmetrics: nowhere\n"
BUILT_SECONDS = 60


async def assert_refused_at_once(project: Project, state: State[Any], words: str) -> None:
    """It says so, nobody was asked, and nothing was built, pushed or committed for it."""
    assert state.is_failed()
    assert words in str(state.message)
    tasks, subflows = await tasks_and_subflows(run_of(state))
    assert not [
        name for name in {**tasks, **subflows} if name.startswith(("build", "unit", "push"))
    ]


def set_rollout(project: Project, text: str) -> None:
    rollout = project.ops_file("rollout.yaml")
    project.change_ops({f"{project.folder}/rollout.yaml": rollout + text})


async def test_tests_beside_the_workers_secrets_that_nobody_has_allowed(project: Project) -> None:
    tests = "tests: {layers: {unit: {command: [pytest, tests], runner: process}}}\n"
    project.change({"pipeline.yaml": f"app: {project.app}\n{tests}"})
    state = await run_release(project.app)
    await assert_refused_at_once(project, state, "may not run as processes on the worker")
    assert (await summary(project.app, state))["result"] == "refused"


async def test_an_older_revision(project: Project) -> None:
    older = project.revision
    project.change({"VERSION": "2\n"})
    assert (await run_release(project.app)).is_completed()
    state = await run_release(project.app, older)
    await assert_refused_at_once(project, state, "a revision that this one does not contain")


async def test_an_older_revision_that_a_person_would_be_asked_about(project: Project) -> None:
    older = project.revision
    assert (await run_release(project.app)).is_completed()
    project.change({"VERSION": "2\n"})
    assert (await run_release(project.app)).is_completed()
    set_rollout(project, APPROVAL)
    state = await asyncio.wait_for(run_release(project.app, older), BUILT_SECONDS)
    await assert_refused_at_once(project, state, "a revision that this one does not contain")


async def test_a_held_image_that_a_person_would_be_asked_about(project: Project) -> None:
    assert (await run_release(project.app)).is_completed()
    project.change({"VERSION": "2\n"})
    assert (await run_release(project.app)).is_completed()
    given = {"reason": "5xx", "by": "Ada", "until": "commit"}
    state = await rollback(project.app, "staging", **given, return_state=True)  # pyright: ignore
    assert state.is_completed()
    set_rollout(project, APPROVAL)
    state = await asyncio.wait_for(run_release(project.app), BUILT_SECONDS)
    await assert_refused_at_once(project, state, "is on hold")


FREEZE = """\
freezes:
- {from: 2026-01-01T00:00:00Z, until: 2126-01-01T00:00:00Z, apps: [APP], by: Ada, reason: holidays}
"""


async def test_a_frozen_environment(project: Project) -> None:
    project.change_ops({"staging/freeze.yaml": FREEZE.replace("APP", project.app)})
    state = await run_release(project.app)
    await assert_refused_at_once(project, state, f"{project.app} in staging is frozen")
    why = "the shop is down"
    assert (await run_release(project.app, override_freeze=why)).is_completed()
    project.pull_ops()
    assert project.ops.head.commit.trailers_dict["Freeze-Override"] == [why]
    project.remove_from_ops("../freeze.yaml")


@pytest.mark.parametrize("until", ["commit", "healthy"])
async def test_a_gate_that_nothing_can_measure(project: Project, until: str) -> None:
    set_rollout(project, GATE)
    state = await run_release(project.app, until=until)
    await assert_refused_at_once(project, state, "There is no Metrics block")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("matchLabels: {app: ", "matchLabels: {app: other-", "selector"),
        ("port: 80\n", "port: 80000\n", "80000"),
        ("periodSeconds:", "periodSecs:", "periodSecs"),
        ("kind: Service", "kind: Servize", "Servize"),
        ("kind: Deployment", "kind: Deployment\nextra: 1", "extra"),
    ],
    ids=["a selector of other pods", "a port", "a field", "a kind", "a field at the top"],
)
async def test_what_the_server_would_not_take_of_a_first_release(
    cluster_project: Project, cluster: KubeClient, old: str, new: str, words: str
) -> None:
    manifest = cluster_project.ops_file("deployment.yaml")
    assert old in manifest
    changed = manifest.replace(old, new, 1)
    cluster_project.change_ops({f"{cluster_project.folder}/deployment.yaml": changed})
    for until in ("commit", "healthy"):
        state = await run_release(cluster_project.app, until=until)
        await assert_refused_at_once(cluster_project, state, "The cluster would refuse")
        assert words in str(state.message)
    assert await cluster.get("v1", "Namespace", cluster_project.app, None) is None


async def test_stopping_at_the_commit_asks_the_person(project: Project) -> None:
    set_rollout(project, APPROVAL)
    before = project.ops_log()
    run = asyncio.create_task(release(project.app, until="commit", return_state=True))  # pyright: ignore
    asked = await asyncio.wait_for(_paused(project.app), BUILT_SECONDS)
    assert project.ops_log() == before
    await aresume_flow_run(asked, run_input={"approve": False, "who": "Ada", "reason": "no"})
    state = await run
    assert state.is_failed()
    assert "Ada did not approve" in str(state.message)
    assert project.ops_log() == before


async def _paused(app: str) -> Any:
    waiting = FlowRunFilter.model_validate(
        {"name": {"like_": f"rollout · {app}"}, "state": {"type": {"any_": ["PAUSED"]}}}
    )
    async with get_client() as client:
        while True:
            if runs := await client.read_flow_runs(flow_run_filter=waiting):
                return runs[0].id
            await asyncio.sleep(0.2)
