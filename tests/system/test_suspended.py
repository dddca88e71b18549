"""A release that waits for a person has no process: workers and server come and go meanwhile."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prefect import flow, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import ArtifactSort
from prefect.flow_runs import aresume_flow_run

from deployments.warm.worker import WARM
from examples.repositories import git_login
from flows.tasks.waiting import look_after_waiting
from tests.support.process_workers import (
    deploy,
    kill_part,
    log_of,
    logged,
    over,
    reached,
    remove_pool,
    times_of,
    until,
    worker_of,
)
from tests.support.processes import is_alive, process_of_part
from tests.support.project import HOME, Project, start_what_is_missing
from tests.support.signers import Person
from tests.support.team import Team, team

RELEASE = "flows.release.release"
APPROVAL = "rolling: {approval: true}\n"
FREEZE = """\
freezes:
  - from: 2026-01-01T00:00:00Z
    until: 2126-01-01T00:00:00Z
    apps: [{app}]
    releases: wait
    by: Ada
    reason: the holidays
"""
HOW = re.compile("To approve, in a clone of the ops repository:\n(.*?\ngit push [^\n]*)", re.DOTALL)
YES = {"approve": True, "who": "Ada", "reason": "it looks good"}


@dataclass(frozen=True)
class Careful:
    """An app whose releases a person has to approve, and workers of its own that release it.

    Attributes:
        hears: What its team hears.
    """

    project: Project
    hears: Team
    pool: str
    deployment: uuid.UUID
    log: Path
    workers: ExitStack

    def start_worker(self) -> None:
        self.workers.enter_context(worker_of(self.pool, self.log))

    def kill_worker(self) -> None:
        self.workers.close()

    async def asked(self) -> FlowRun:
        """Start a release of the default branch to the commit, and wait until it waits."""
        given = {"app": self.project.app, "environment": "staging", "until": "commit"}
        async with get_client() as client:
            run = await client.create_flow_run_from_deployment(self.deployment, parameters=given)
        await suspended(run)
        return run


async def suspended(run: FlowRun) -> None:
    """Wait until a run waits, without a process."""
    state = await reached(run, lambda state: state.is_paused() or state.is_final())
    assert state.name == "Suspended", state.message


@pytest.fixture
async def careful(project: Project, tmp_path: Path) -> AsyncIterator[Careful]:
    pool = f"careful-{uuid.uuid4().hex[:6]}"
    deployment = await deploy(WARM, pool, HOME, "release", RELEASE)
    async with team() as hears:
        with ExitStack() as workers:
            made = Careful(project, hears, pool, deployment, tmp_path / "worker.log", workers)
            text = f"{project.ops_file('rollout.yaml')}{APPROVAL}notify: [{hears.block}]\n"
            project.change_ops({f"{project.folder}/rollout.yaml": text})
            made.start_worker()
            yield made
    await remove_pool(pool)


async def look() -> None:
    """The agent's turn, as far as it is about runs that wait."""

    @flow
    async def looks() -> None:
        await look_after_waiting()

    await looks()


async def summary(run: FlowRun) -> dict[str, Any]:
    """The newest row for programs that a run left."""
    of_run = FlowRunFilter(id=FlowRunFilterId(any_=[run.id]))
    async with get_client() as client:
        found = await client.read_artifacts(flow_run_filter=of_run, sort=ArtifactSort.CREATED_DESC)
    return next(json.loads(str(one.data))[0] for one in found if str(one.key).endswith("-summary"))


async def restart_server() -> None:
    """Kill the sandbox's Prefect server, and start another one."""
    server = process_of_part("prefect-server")
    await kill_part("prefect-server")
    start_what_is_missing("Prefect server", "--cluster", "none")
    assert process_of_part("prefect-server") != server


async def process_of(run: FlowRun) -> int:
    async with get_client() as client:
        return int(str((await client.read_flow_run(run.id)).infrastructure_pid).rpartition(":")[2])


@pytest.mark.alone
async def test_worker_and_server_go_and_what_a_person_approved_is_released_once(
    careful: Careful,
) -> None:
    project, revision = careful.project, careful.project.revision
    run = await careful.asked()
    process = await process_of(run)
    await until(lambda: not is_alive(process))
    careful.kill_worker()
    await restart_server()

    # What an answer was about is there no more: it approves nothing.
    manifest = project.ops_file("deployment.yaml")
    project.change_ops({f"{project.folder}/deployment.yaml": f"{manifest}# By hand\n"})
    before = project.ops_log()
    await aresume_flow_run(run.id, run_input=YES)
    careful.start_worker()
    await reached(run, lambda state: not state.is_paused())
    await suspended(run)
    assert await logged(run, "it is asked again")
    assert project.ops_log() == before

    # What was asked about is released, wherever the branch is by now.
    project.change({"notes.txt": "A change.\n"})
    await aresume_flow_run(run.id, run_input=YES)
    state = await over(run)
    assert state.is_completed(), state.message
    assert state.message == "built, 2 tests passed, pushed, 1 commit"
    assert list(project.tags()) == [revision]
    commit, *others = project.ops_log()
    assert others == before
    said = project.ops.git.log("-1", "--format=%B", commit)
    for line in (
        f"Revision: {revision}",
        "Approved-By: Ada (unverified)",
        "Approved-Because: it looks good",
    ):
        assert line in said
    counts = await summary(run)
    assert (counts["built"], counts["pushed"], counts["committed"]) == (1, 1, 1)
    assert await times_of(run, "build image", "push", "commit 1/1 rolling") == [1, 1, 1]
    assert [subject.partition(": ")[2] for subject in careful.hears.subjects] == [
        "release.approval"
    ] * 2


async def test_what_waits_for_the_end_of_a_freeze_goes_on_by_itself_or_by_a_reason(
    careful: Careful,
) -> None:
    project, where = careful.project, "staging/freeze.yaml"
    without = project.ops_file("rollout.yaml").replace(APPROVAL, "")
    file = FREEZE.format(app=project.app)
    project.change_ops({f"{project.folder}/rollout.yaml": without, where: file})
    before = project.ops_log()
    run = await careful.asked()
    # All that takes long is done by then.
    assert list(project.tags()) == [project.revision]
    await look()
    await suspended(run)
    assert project.ops_log() == before

    project.change_ops({where: "freezes: []\n"})
    await look()
    state = await over(run)
    assert state.is_completed(), state.message
    assert state.message == "built, 2 tests passed, pushed, 1 commit"
    project.pull_ops()
    assert "Freeze-Override" not in project.ops.git.log("-1", "--format=%B", project.ops_log()[0])

    project.change_ops({where: file})
    project.change({"notes.txt": "A change.\n"})
    second = await careful.asked()
    await aresume_flow_run(second.id, run_input={"reason": "it is down", "who": "Grace"})
    state = await over(second)
    assert state.is_completed(), state.message
    project.pull_ops()
    said = project.ops.git.log("-1", "--format=%B", project.ops_log()[0])
    assert "Freeze-Override: it is down (Grace)" in said
    project.change_ops({where: "freezes: []\n"})
    assert [subject.partition(": ")[2] for subject in careful.hears.subjects] == [
        "release.frozen"
    ] * 2


async def test_a_signed_commit_approves_and_a_yes_in_the_form_does_not(
    careful: Careful, tmp_path: Path
) -> None:
    project = careful.project
    ada, bob = (Person(f"{name}@{project.app}", tmp_path) for name in ("ada", "bob"))
    rollout = f"{project.ops_file('rollout.yaml')}approvers: [{ada.name}]\n"
    signers = {"staging/allowed_signers": ada.line() + bob.line()}
    project.change_ops({f"{project.folder}/rollout.yaml": rollout, **signers})
    clone, login = Path(project.ops.working_dir), git_login(project.env)
    run = await careful.asked()
    before = project.ops_log()
    assert await logged(run, "git push")
    (command,) = HOW.findall(await log_of(run))

    # Who may not approve has signed, and says yes.
    bob.paste(command, clone, **login)
    await aresume_flow_run(run.id, run_input=YES)
    await reached(run, lambda state: not state.is_paused())
    await suspended(run)
    assert await logged(run, "not signed by a person who may")
    await look()
    await suspended(run)
    assert project.ops_log() == before

    ada.paste(command, clone, **login)
    await look()
    state = await over(run)
    assert state.is_completed(), state.message
    commit, *others = project.ops_log()
    assert others == before
    said = project.ops.git.log("-1", "--format=%B", commit)
    assert f"Approved-By: {ada.name} (signed, {ada.fingerprint})" in said
