"""Two Prefect servers, Redis and PostgreSQL go while a release is on its way; it ends right."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from docker import DockerClient
from prefect import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, temporary_settings

from deployments.warm.worker import WARM
from shipway.runners.labels import RUN_LABEL
from tests.support.process_workers import (
    deploy,
    kill_part,
    over,
    remove_pool,
    times_of,
    until,
    worker_of,
)
from tests.support.project import HOME, Project, bring_up, known_project, start_what_is_missing

SERVERS = ("two servers", "--cluster", "none", "--servers")


@dataclass(frozen=True)
class Served:
    """An app that a worker of its own releases by two servers.

    Attributes:
        deployment: Of the release.
    """

    project: Project
    deployment: UUID

    async def release(self) -> FlowRun:
        given = {"app": self.project.app, "environment": "staging", "until": "commit"}
        async with get_client() as client:
            return await client.create_flow_run_from_deployment(self.deployment, parameters=given)


@asynccontextmanager
async def served(sandbox: dict[str, str], folder: Path) -> AsyncIterator[Served]:
    bring_up(*SERVERS)
    url = sandbox["SHIPWAY_SERVERS_API_URL"]
    with temporary_settings({PREFECT_API_URL: url}):
        async with known_project(sandbox, folder, agent="external") as project:
            deployment = await deploy(WARM, project.app, HOME, "release", "flows.release.release")
            with worker_of(project.app, folder / "worker.log", PREFECT_API_URL=url):
                yield Served(project, deployment)
            await remove_pool(project.app)


@pytest.mark.alone
async def test_a_release_ends_right_while_what_it_tells_goes_and_comes_back(
    sandbox: dict[str, str], ops_server: None, engine: DockerClient, tmp_path: Path
) -> None:
    async with served(sandbox, tmp_path) as made:
        project = made.project
        tests = project.file("tests/test_hello.py").replace(
            "def test_it_greets_the_world() -> None:\n",
            "def test_it_greets_the_world() -> None:\n    __import__('time').sleep(6)\n",
        )
        revision = project.change({"tests/test_hello.py": tests})
        before = project.ops_log()
        run = await made.release()
        of_run = {"label": f"{RUN_LABEL}={run.id}"}
        await kill_part("prefect-api-1")
        await until(lambda: bool(engine.containers.list(filters=of_run)), 120)
        await kill_part("redis")
        await kill_part("postgres")
        # The tests end, and the run has to tell of it.
        await until(lambda: not engine.containers.list(filters=of_run), 120)
        start_what_is_missing(*SERVERS)

        state = await over(run)
        assert state.is_completed(), state.message
        assert state.message == "built, 2 tests passed, pushed, 1 commit"
        assert list(project.tags()) == [revision]
        _commit, *others = project.ops_log()
        assert others == before
        assert await times_of(run, "build image", "push", "commit 1/1 rolling") == [1, 1, 1]
