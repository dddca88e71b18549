"""What is old goes, and nothing in use does: a real engine, registry, Git and Prefect server."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from docker import DockerClient
from prefect import flow, get_client, task
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import ArtifactCreate, LogCreate
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterId,
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterId,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import State
from prefect.states import Completed, Suspended
from prefect.variables import Variable

from blocks.image_builder import ImageBuilder
from blocks.ledger import Ledger
from blocks.ops_repository import OpsRepository
from blocks.registry import Registry
from flows import retention as flow_file
from flows.retention import retention
from flows.runtime.busy_apps import busy_apps
from flows.tasks.retention import engine_images, ledger_rows, past_runs, registry_images
from flows.tasks.retention.engine_images import clear_engine_images
from flows.tasks.retention.ledger_rows import clear_ledger_rows
from flows.tasks.retention.past_runs import clear_past_runs
from flows.tasks.retention.registry_images import clear_registry_images
from shipway.errors import FailError, RetryError
from shipway.image_labels import APP, INPUTS, REVISION
from shipway.retention.outcome import Outcome
from shipway.retention.policy import Retention
from tests.support.origin import Origin
from tests.support.runs import artifacts, run_of

AT = datetime(2026, 1, 1, tzinfo=UTC)
NO_AGE = Retention(
    registry_is_ours=True,
    registry_days=0,
    registry_images=1,
    engine_days=0,
    engine_images=1,
    run_days=0,
)


def revision(number: int) -> str:
    return f"{number:040x}"


async def clear(kind: Any, keep: Retention = NO_AGE, *, dry_run: bool = False) -> Outcome:
    """Run one kind's task."""

    @flow
    async def clears() -> Outcome:
        return await kind(keep, dry_run=dry_run)

    return await clears()


@pytest.fixture
def app() -> str:
    return f"retention-{uuid.uuid4().hex[:8]}"


@dataclass(frozen=True)
class Ours:
    """What is this test's alone; others release on the same servers meanwhile."""

    app: str
    engine: DockerClient
    python_image: str
    registry: Registry
    ops: OpsRepository

    def image(self, number: int) -> str:
        """Build an image of a revision, as far as its labels tell; return its id."""
        labels = {APP: self.app, INPUTS: "1", REVISION: revision(number)}
        changes = " ".join(f"{key}={value}" for key, value in labels.items())
        container = self.engine.containers.create(self.python_image, ["true"])
        image = container.commit(changes=f"LABEL {changes}")
        container.remove()
        return str(image.id)

    async def push(self, number: int, tag: str | None = None, image: str | None = None) -> str:
        """Push an image of a revision; return its digest."""
        registry = self.registry.open()
        ref = registry.image(self.app, tag or revision(number))
        return str((await registry.push(self.engine, image or self.image(number), ref)).digest)

    def images(self) -> set[str]:
        """The ids of the images on the engine."""
        found = self.engine.images.list(filters={"label": f"{APP}={self.app}"})
        return {str(each.id) for each in found}

    async def tags(self) -> set[str]:
        """The tags in the registry."""
        return {each.tag for each in await registry_images.tags_of(self.registry.open(), self.app)}


@pytest.fixture
def ours(
    sandbox: dict[str, str],
    engine: DockerClient,
    python_image: str,
    origin: Origin,
    app: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Ours]:
    registry = Registry(address=sandbox["SHIPWAY_REGISTRY"], insecure=True)
    origin.commit({f"prod/{app}/rollout.yaml": b"strategy: rolling\n"})
    ops = OpsRepository(url=origin.url)
    blocks = {Registry: registry, OpsRepository: ops, Ledger: Ledger()}

    async def load_block(kind: type, _name: str = "default") -> Any:
        return blocks[kind] if kind in blocks else await ImageBuilder.aload("default")

    async def no_others(_: type) -> list[str]:
        return []

    look = engine_images.images_on

    def ours_on(client: DockerClient) -> Any:
        # All are of one second: the revision says which is newer.
        return [
            each.model_copy(update={"created": AT + timedelta(seconds=int(each.revision, 16))})
            for each in look(client)
            if each.app == app
        ]

    for module in (engine_images, ledger_rows, past_runs, registry_images):
        monkeypatch.setattr(module, "load_block", load_block)
    monkeypatch.setattr(registry_images, "registered", no_others)
    monkeypatch.setattr(engine_images, "images_on", ours_on)
    made = Ours(app, engine, python_image, registry, ops)
    yield made
    for image in made.images():
        engine.images.remove(image, force=True)


async def test_images_on_the_engine_go_but_what_is_used_named_or_newest(ours: Ours) -> None:
    old, used, theirs, pushed, newest = (ours.image(number) for number in range(1, 6))
    await ours.push(4, image=pushed)
    ours.engine.images.get(theirs).tag("somebody/else", ours.app)
    container = ours.engine.containers.create(used, ["true"])
    try:
        planned = await clear(clear_engine_images, dry_run=True)
        assert ours.images() == {old, used, theirs, pushed, newest}
        outcome = await clear(clear_engine_images)
    finally:
        container.remove()
    assert planned.count == outcome.count == 2
    assert outcome.goes == planned.goes
    assert ours.images() == {used, theirs, newest}
    assert outcome.stays == {
        "a container uses it": 1,
        "somebody else gave it a name": 1,
        "one of the newest 1 of its app": 1,
    }
    # What the registry has can be pulled again.
    assert revision(4) in await ours.tags()


async def test_an_image_that_comes_into_use_meanwhile_stays(
    ours: Ours, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, _ = ours.image(1), ours.image(2)
    remove = engine_images.remove_images

    def used_just_now(client: DockerClient, images: Any) -> set[str]:
        container = client.containers.create(image, ["true"])
        try:
            return remove(client, images)
        finally:
            container.remove()

    monkeypatch.setattr(engine_images, "remove_images", used_just_now)
    outcome = await clear(clear_engine_images)
    assert (outcome.count, outcome.stays["a container uses it"]) == (0, 1)
    assert image in ours.images()


async def test_images_in_the_registry_go_but_what_git_names_and_tags_share(
    ours: Ours, origin: Origin
) -> None:
    digests = {number: await ours.push(number) for number in (1, 2, 3)}
    shared = ours.image(4)
    await ours.push(4, image=shared)
    await ours.push(4, "latest", shared)
    registry = ours.registry.open()
    platforms = {"linux/amd64": ours.image(5), "linux/arm64": ours.image(5)}
    await registry.push_index(ours.engine, platforms, registry.image(ours.app, revision(5)))
    await ours.push(6)
    origin.commit({f"prod/{ours.app}/web.yaml": f"image: x@{digests[2]}\n".encode()})
    all_tags = await ours.tags()
    assert len(all_tags) == 9

    listed = await clear(
        clear_registry_images, NO_AGE.model_copy(update={"registry_is_ours": False})
    )
    assert "registry_is_ours" in listed.hindered
    planned = await clear(clear_registry_images, dry_run=True)
    assert await ours.tags() == all_tags
    outcome = await clear(clear_registry_images)
    assert outcome == planned
    assert outcome.goes == listed.goes
    # The first and the third one, and the one for two platforms with all of its tags.
    assert outcome.count == 3
    assert (outcome.size or 0) > 0
    assert await ours.tags() == {revision(2), revision(4), "latest", revision(6)}
    for number in (2, 6):
        ref = registry.image(ours.app, revision(number))
        assert await registry.find(ref) is not None
    assert (await clear(clear_registry_images)).count == 0


async def test_without_git_no_image_and_no_run_goes(
    ours: Ours, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ours.push(1)
    await ours.push(2)
    object.__setattr__(ours.ops, "url", f"{ours.ops.url}-gone")
    for kind in (clear_registry_images, clear_past_runs):
        with pytest.raises(Exception, match="repository") as caught:
            await clear(kind.with_options(retries=0))
        assert caught.type.__module__ == "shipway.errors"
    assert await ours.tags() == {revision(1), revision(2)}


@task
def nothing() -> None:
    """A task run that a subflow belongs to."""


@flow
def below() -> None:
    """A subflow."""


@dataclass(frozen=True)
class Runs:
    """Runs of a deployment that is ours, and of one that is not."""

    client: PrefectClient
    ours: UUID
    theirs: UUID

    async def run(self, state: State[Any], deployment: UUID | None = None) -> UUID:
        made = await self.client.create_flow_run_from_deployment(deployment or self.ours)
        await self.client.set_flow_run_state(made.id, state, force=True)
        return made.id

    async def subflow(self, run: UUID) -> UUID:
        made = await self.client.create_task_run(nothing, run, dynamic_key="0")
        return (
            await self.client.create_flow_run(below, parent_task_run_id=made.id, state=Completed())
        ).id

    async def page(self, run: UUID, key: str) -> UUID:
        page = ArtifactCreate(key=key, type="markdown", data="x", flow_run_id=run)
        return (await self.client.create_artifact(page)).id

    async def left(self, runs: set[UUID]) -> set[UUID]:
        only = FlowRunFilter(id=FlowRunFilterId(any_=list(runs)))
        return {run.id for run in await self.client.read_flow_runs(flow_run_filter=only)}

    async def logs(self, run: UUID) -> int:
        of_run = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run]))
        return len(await self.client.read_logs(of_run))


@pytest.fixture
async def runs(
    sandbox: dict[str, str], app: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Runs]:
    monkeypatch.setattr(past_runs, "DEPLOYMENTS", app.replace("-", "_"))
    async with get_client() as client:
        made = await client.create_flow_from_name(app)
        deployments = [await client.create_deployment(made, name) for name in ("ours", "theirs")]
        await Variable.aset(past_runs.DEPLOYMENTS, [f"{app}/ours", f"{app}/gone"])
        yield Runs(client, *deployments)
        every = DeploymentFilter(id=DeploymentFilterId(any_=deployments))
        for run in await client.read_flow_runs(deployment_filter=every):
            await client.delete_flow_run(run.id)
        for deployment in deployments:
            await client.delete_deployment(deployment)
    await Variable.aunset(past_runs.DEPLOYMENTS)


async def test_runs_go_with_what_is_below_but_what_waits_or_is_named_or_newest(
    ours: Ours, runs: Runs, origin: Origin, app: str
) -> None:
    old, released, newest = [await runs.run(Completed()) for _ in range(3)]
    waits = await runs.run(Suspended(timeout_seconds=3600))
    begins = (await runs.client.create_flow_run_from_deployment(runs.ours)).id
    others = await runs.run(Completed(), runs.theirs)
    subflow, newest_below = await runs.subflow(old), await runs.subflow(newest)
    pages = [await runs.page(each, f"{app}-report") for each in (old, subflow, newest_below)]
    line = LogCreate(name="x", level=20, message="y", timestamp=datetime.now(UTC), flow_run_id=old)
    await runs.client.create_logs([line])
    origin.commit(
        {f"prod/{app}/RELEASE": f"Run: https://prefect.example.org/runs/{released}\n".encode()}
    )
    every = {old, subflow, released, newest, newest_below, waits, begins, others}
    planned = await clear(clear_past_runs, dry_run=True)
    assert await runs.left(every) == every
    outcome = await clear(clear_past_runs)
    assert outcome == planned
    assert [(item.name, item.count) for item in outcome.goes] == [(f"{app}/ours", 1)]
    assert await runs.left(every) == every - {old, subflow}
    assert set(await page_ids(runs.client, pages)) == {pages[2]}
    while await runs.logs(old):
        pass
    assert (await clear(clear_past_runs)).count == 0


async def page_ids(client: PrefectClient, pages: list[UUID]) -> list[UUID]:
    only = ArtifactFilter(id=ArtifactFilterId(any_=pages))
    return [page.id for page in await client.read_artifacts(artifact_filter=only)]


async def test_without_the_variable_no_run_goes(ours: Ours, runs: Runs) -> None:
    run = await runs.run(Completed())
    await Variable.aunset(past_runs.DEPLOYMENTS)
    with pytest.raises(Exception, match="It is not known which deployments are Shipway's"):
        await clear(clear_past_runs)
    assert await runs.left({run}) == {run}


async def test_an_app_is_busy_while_a_run_of_it_goes_on_or_waits(runs: Runs, app: str) -> None:
    async def tagged(name: str, state: State[Any] | None) -> None:
        made = await runs.client.create_flow_run_from_deployment(
            runs.theirs, tags=[f"app:{app}-{name}"]
        )
        if state is not None:
            await runs.client.set_flow_run_state(made.id, state, force=True)

    await tagged("waits", Suspended(timeout_seconds=3600))
    await tagged("begins", None)
    await tagged("done", Completed())
    assert {each for each in await busy_apps() if each.startswith(app)} == {
        f"{app}-waits",
        f"{app}-begins",
    }


async def test_rows_of_the_ledger_are_counted(ours: Ours) -> None:
    outcome = await clear(clear_ledger_rows)
    assert (outcome.count, outcome.kind) == (0, "rows of the ledger")


async def test_by_hand_everything_is_told_and_nothing_removed(ours: Ours) -> None:
    state: State[Any] = await retention(return_state=True)  # pyright: ignore
    assert state.is_completed(), state.message
    found = await artifacts(run_of(state))
    rows = json.loads(str(found["retention-summary"].data))
    assert [row["kind"] for row in rows] == list(flow_file.KINDS)
    assert not any(row["removed"] for row in rows)
    page = str(found["retention"].data)
    assert page.startswith("# Retention\n\n**")
    assert "registry\\_is\\_ours" in page


async def test_a_kind_that_fails_stops_no_other_and_is_told(
    sandbox: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_: Retention, *, dry_run: bool) -> Outcome:
        raise RetryError("Git is away.", remedy="wait")

    async def breaks(_: Retention, *, dry_run: bool) -> Outcome:
        raise KeyError("x")

    async def goes(_: Retention, *, dry_run: bool) -> Outcome:
        return Outcome(kind="rows")

    kinds = {"images": fails, "runs": breaks, "rows": goes}
    monkeypatch.setattr(flow_file, "KINDS", kinds)
    state: State[Any] = await retention(return_state=True)  # pyright: ignore
    assert state.is_failed()
    error = await state.aresult(raise_on_failure=False)
    assert isinstance(error, FailError)
    assert error.facts["where"] == "images, runs"
    assert "Git is away." in str(error.facts["got"])
    assert "KeyError: 'x'" in str(error.facts["got"])
    assert "## Rows" in str((await artifacts(run_of(state)))["retention"].data)
