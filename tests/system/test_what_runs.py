"""What runs where: the page that the agent keeps, and the command that reads it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.filters import ArtifactCollectionFilter, ArtifactCollectionFilterKey

from flows.runtime.what_runs_page import read_known
from shipway.rollout.status import WHAT_RUNS, AppStatus
from tests.support.project import Project
from tests.support.runs import report, run_of, run_reconcile, run_release

SHIPWAY = str(Path(sys.executable).with_name("shipway"))


async def seen(project: Project) -> AppStatus:
    """What the page says of a project's app."""
    found = (await read_known()).of(project.app, "staging")
    assert found is not None
    return found


async def page() -> tuple[UUID, str]:
    """The page's address and what it says."""
    key = ArtifactCollectionFilterKey(any_=[WHAT_RUNS])
    async with get_client() as client:
        (found,) = await client.read_latest_artifacts(
            artifact_filter=ArtifactCollectionFilter(key=key)
        )
    return found.latest_id, str(found.data)


async def test_the_page_tells_what_runs_and_keeps_its_address(
    cluster_project: Project,
) -> None:
    app = cluster_project.app
    await run_reconcile(app)
    assert (await seen(cluster_project)).reason == "nothing was released yet"
    state = await run_release(app, until="healthy")
    assert f"/artifacts/key/{WHAT_RUNS})" in await report(app, state)
    async with get_client() as client:
        run = await client.read_flow_run(run_of(state))
    assert {f"app:{app}", "environment:staging"} <= set(run.tags)
    address, _ = await page()
    await run_reconcile(app)
    now = await seen(cluster_project)
    assert (now.health, now.reason) == ("healthy", f"Deployment/{app}: 1 of 1 run the image")
    assert now.deployed is not None
    assert now.deployed.revision == cluster_project.revision
    assert now.commit == cluster_project.ops_log()[0]
    same_address, text = await page()
    assert f"[{cluster_project.revision[:7]}]({now.deployed.run}) healthy" in text
    assert f"/artifacts/key/{app}-staging-report)" in text
    assert same_address == address
    status = await asyncio.to_thread(
        subprocess.check_output, [SHIPWAY, "status", app, "--json"], text=True
    )
    (told,) = json.loads(status)
    assert (told["health"], told["waiting"]) == ("healthy", None)
