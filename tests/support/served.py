"""An app that a worker of its own releases by two Prefect servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL, temporary_settings

from deployments.warm.worker import WARM
from tests.support.process_workers import deploy, remove_pool, worker_of
from tests.support.project import HOME, Project, bring_up, known_project

SERVERS = ("two servers", "--cluster", "none", "--servers")


@dataclass(frozen=True)
class Served:
    """An app that two servers know.

    Attributes:
        deployment: Of its release, of which one run goes on at once.
    """

    project: Project
    deployment: UUID
    folder: Path

    @contextmanager
    def worker(self) -> Generator[None]:
        """A worker of its releases alone."""
        url = self.project.env["SHIPWAY_SERVERS_API_URL"]
        with worker_of(self.project.app, self.folder / "worker.log", PREFECT_API_URL=url):
            yield

    async def release(self) -> FlowRun:
        """Start a release of the tip to staging, up to the commit."""
        given = {"app": self.project.app, "environment": "staging", "until": "commit"}
        async with get_client() as client:
            return await client.create_flow_run_from_deployment(self.deployment, parameters=given)

    def change_to_tests_that_take(self, seconds: int) -> str:
        """Have a test of the app take its time; return the revision."""
        begin = "def test_it_greets_the_world() -> None:\n"
        slow = f"{begin}    __import__('time').sleep({seconds})\n"
        tests = self.project.file("tests/test_hello.py").replace(begin, slow)
        return self.project.change({"tests/test_hello.py": tests})


@asynccontextmanager
async def served(sandbox: dict[str, str], folder: Path) -> AsyncIterator[Served]:
    """The README's app, known to two servers, which are all that flows of this process tell."""
    bring_up(*SERVERS)
    with temporary_settings({PREFECT_API_URL: sandbox["SHIPWAY_SERVERS_API_URL"]}):
        async with known_project(sandbox, folder, agent="external") as project:
            deployment = await deploy(WARM, project.app, HOME, "release", "flows.release.release")
            async with get_client() as client:
                await client.update_deployment(deployment, DeploymentUpdate(concurrency_limit=1))
            yield Served(project, deployment, folder)
            # It may have gone with the database.
            with suppress(ObjectNotFound):
                await remove_pool(project.app)
