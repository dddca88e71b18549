"""What `prefect deploy` and the bootstrap leave of what people have set, on the real server."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from prefect import get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule
from prefect.states import Cancelled
from prefect.variables import Variable

from deployments.removed import PREFECT_YAML, remove_deployments
from flows.runtime import nights
from flows.runtime.nights import NIGHT, keep_nights
from shipway.errors import RefuseError
from tests.support.project import HOME

PREFECT = str(Path(sys.executable).with_name("prefect"))
EARLIER = CronSchedule(cron="0 20 * * *", timezone="Europe/Berlin")


@dataclass(frozen=True)
class Ours:
    """A prefect.yaml as Shipway's own, with names and a tag that no other test has."""

    file: Path
    tag: str

    def declare(self, *names: str) -> None:
        """Have these deployments of prefect.yaml in it."""
        own = yaml.safe_load(PREFECT_YAML.read_bytes())
        entries = [
            {**entry, "name": f"{self.tag}-{entry['name']}", "tags": [self.tag]}
            for entry in own["deployments"]
            if entry["name"] in names
        ]
        assert len(entries) == len(names)
        self.file.write_text(yaml.safe_dump({**own, "name": self.tag, "deployments": entries}))

    async def create(self, flow: str, name: str) -> uuid.UUID:
        """Have a deployment on the server, without its flow; quicker than `prefect deploy`."""
        async with get_client() as client:
            known = await client.create_flow_from_name(flow)
            return await client.create_deployment(known, f"{self.tag}-{name}", tags=[self.tag])

    def deploy(self) -> None:
        """Run `prefect deploy --all` with it."""
        command = [PREFECT, "--no-prompt", "deploy", "--all", "--prefect-file", str(self.file)]
        done = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    async def found(self) -> dict[str, DeploymentResponse]:
        """Its deployments on the server, by their names in prefect.yaml."""
        tagged = DeploymentFilter(tags=DeploymentFilterTags(all_=[self.tag]))
        async with get_client() as client:
            found = await client.read_deployments(deployment_filter=tagged)
        return {each.name.removeprefix(f"{self.tag}-"): each for each in found}


@pytest.fixture
async def ours(sandbox: dict[str, str], tmp_path: Path) -> AsyncIterator[Ours]:
    made = Ours(tmp_path / "prefect.yaml", f"ours-{uuid.uuid4().hex[:8]}")
    yield made
    async with get_client() as client:
        for deployment in (await made.found()).values():
            await client.delete_deployment(deployment.id)
    await Variable.aunset(f"{made.tag}_deployments")


async def test_a_night_that_a_team_changed_is_kept_by_all_that_comes_after(
    ours: Ours, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours.declare("nightly")
    deployment = await ours.create("nightly", "nightly")
    monkeypatch.setattr(nights, "NIGHTLY", f"nightly/{ours.tag}-nightly")
    await keep_nights(["cart", "shop", "till"])
    async with get_client() as client:
        made = await client.read_deployment_schedules(deployment)
        ids = {schedule.parameters["app"]: schedule.id for schedule in made}
        await client.update_deployment_schedule(deployment, ids["cart"], active=False)
        await client.update_deployment_schedule(deployment, ids["shop"], schedule=EARLIER)
    ours.deploy()
    await keep_nights(["cart", "new", "shop"])
    (found,) = (await ours.found()).values()
    kept = {each.parameters["app"]: (each.active, each.schedule) for each in found.schedules}
    assert kept == {"cart": (False, NIGHT), "new": (True, NIGHT), "shop": (True, EARLIER)}
    assert found.version
    assert found.concurrency_options is not None
    assert found.concurrency_options.collision_strategy == "ENQUEUE"


async def test_looks_at_once_keep_one_night_for_each_app(
    ours: Ours, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours.declare("nightly")
    await ours.create("nightly", "nightly")
    monkeypatch.setattr(nights, "NIGHTLY", f"nightly/{ours.tag}-nightly")
    for apps in (["cart", "shop", "till"], ["cart"]):
        await asyncio.gather(*(keep_nights(apps) for _ in range(5)))
        (found,) = (await ours.found()).values()
        assert sorted(each.parameters["app"] for each in found.schedules) == apps


async def test_only_what_prefect_yaml_had_and_has_no_more_is_removed(ours: Ours) -> None:
    ours.declare("history", "flakes")
    assert await remove_deployments(ours.file) == []
    await ours.create("history", "history")
    await ours.create("flakes", "own")
    removed = await ours.create("flakes", "flakes")
    async with get_client() as client:
        run = await client.create_flow_run_from_deployment(removed, state=Cancelled())
    ours.file.write_text("name: [")
    with pytest.raises(RefuseError, match="It is not known"):
        await remove_deployments(ours.file)
    assert set(await ours.found()) == {"history", "flakes", "own"}
    ours.declare("history")
    assert await remove_deployments(ours.file) == [f"flakes/{ours.tag}-flakes"]
    assert await remove_deployments(ours.file) == []
    assert set(await ours.found()) == {"history", "own"}
    async with get_client() as client:
        assert (await client.read_flow_run(run.id)).deployment_id == removed
