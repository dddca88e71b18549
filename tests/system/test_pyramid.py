"""The test pyramid in containers: killed, resumed, kept apart, remembered, and tested as pushed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import UUID

import httpx
import pytest
from docker import DockerClient
from docker.errors import APIError
from docker.models.containers import Container
from docker.models.networks import Network
from prefect import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterParentFlowRunId,
)
from prefect.client.schemas.objects import State
from prefect.deployments import run_deployment
from prefect.states import Cancelling

from blocks.ledger import Ledger
from flows.nightly import nightly
from flows.tasks.clean_up import KILLED
from shipway.ledger.tables import PASSED
from shipway.runners.labels import RUN_LABEL
from tests.support.project import HOME, Project
from tests.support.runs import report, run_of, run_release, summary

SHARDS = {"unit": 2, "e2e": 1}
LAYERS = """
    unit:
      command: [pytest, tests/unit]
      shards: 2
      new_tests: 1
      services:
        db: {image: %s, env: {POSTGRES_PASSWORD: test}}
    e2e:
      command: [pytest, tests/e2e]
      new_tests: 1
      app: {}
"""
# Each shard waits after its first test until it is told how the others end.
GATE = """
import os, time

def pytest_runtest_logfinish(nodeid, location):
    os.makedirs("/tmp/waiting", exist_ok=True)
    while not os.path.exists("/tmp/pass") and not os.path.exists("/tmp/fail"):
        time.sleep(0.05)

def pytest_runtest_call(item):
    assert not os.path.exists("/tmp/fail"), "told to fail"
"""
LOOK_UP = "import socket; print(socket.gethostbyname('db'))"
RELEASE = "import asyncio, sys; from flows.release import release; "
RELEASE += "asyncio.run(release(sys.argv[1], until='commit'))"
PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Shard:
    """A shard whose tests wait: its network, its tests' container, and those beside it."""

    network: Network
    tests: Container
    beside: dict[str, Container]

    @property
    def run(self) -> str:
        """The flow run that it belongs to."""
        return self.tests.labels[RUN_LABEL]

    def sees(self, hostname: str) -> str:
        """The container that the tests reach by a name."""
        code = LOOK_UP.replace("db", hostname)
        address = self.tests.exec_run(["python3", "-c", code]).output.decode().strip()
        self.network.reload()
        (found,) = (
            container
            for container, facts in self.network.attrs["Containers"].items()
            if facts["IPv4Address"].partition("/")[0] == address
        )
        return found


@dataclass(frozen=True)
class Pyramid:
    """An app with two layers, whose tests the test lets go on."""

    project: Project
    engine: DockerClient
    unit: str

    @property
    def app(self) -> str:
        return self.project.app

    async def waiting(
        self, layer: str, running: asyncio.Future[Any], killed: str | None = None
    ) -> list[Shard]:
        """The shards of a layer, once the tests in each of them wait; not those of a dead run."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(found := await asyncio.to_thread(self._waiting, layer, killed)) < SHARDS[layer]:
            assert not running.done(), running.result()
            assert time.monotonic() < deadline, f"{layer}: {found}"
            await asyncio.sleep(0.1)
        return found

    async def go_on(self, layer: str, running: asyncio.Future[Any], how: str = "pass") -> None:
        """Let the tests of a layer end so."""
        tell(await self.waiting(layer, running), how)

    async def passed_so_far(self) -> list[str]:
        """The unit tests that a killed run would not have to run again."""
        async with (await Ledger.aload("default")).open() as book:
            mine = PASSED.c.name.contains(self.unit)
            rows = await book._connection.execute(PASSED.select().where(mine))
            return sorted(row.name for row in rows)

    def left(self, run: str) -> list[Any]:
        """What the engine has of a flow run."""
        label: dict[str, Any] = {"label": f"{RUN_LABEL}={run}"}
        containers = self.engine.containers.list(all=True, sparse=True, filters=label)
        return [*containers, *self.engine.networks.list(filters=label)]

    def _waiting(self, layer: str, killed: str | None) -> list[Shard]:
        try:
            return [
                shard
                for network in self.engine.networks.list(names=[f"shipway-{self.app}-{layer}-"])
                if (shard := _shard(network)) is not None and shard.run != killed
            ]
        except APIError as error:
            # It began or ended between two questions: an engine says so in several ways.
            if error.status_code in {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}:
                return []
            if "is not running" in str(error.explanation):
                return []
            raise


def _shard(network: Network) -> Shard | None:
    network.reload()
    containers = {str(one.name): one for one in network.containers}
    prefix = f"{network.name}-"
    beside = {k.removeprefix(prefix): one for k, one in containers.items() if k.startswith(prefix)}
    for name, one in containers.items():
        if not name.startswith(prefix) and one.exec_run(["ls", "/tmp/waiting"]).exit_code == 0:
            return Shard(network, one, beside)
    return None


def tell(shards: Sequence[Shard], how: str) -> None:
    for shard in shards:
        shard.tests.exec_run(["mkdir", f"/tmp/{how}"])


@pytest.fixture
def pyramid(project: Project, engine: DockerClient, sandbox: dict[str, str]) -> Pyramid:
    head = project.file("pipeline.yaml").partition("layers:")[0]
    unit = f"tests/unit/test_{project.app.replace('-', '_')}.py"
    tests = "".join(f"def test_{n}(): pass\n" for n in range(6))
    project.change(
        {
            "pipeline.yaml": f"{head}layers:{LAYERS % sandbox['SHIPWAY_POSTGRES_IMAGE']}",
            "tests/conftest.py": GATE,
            unit: tests,
            "tests/e2e/test_app.py": "".join(f"def test_{n}(): pass\n" for n in range(3)),
            ".dockerignore": ".git\nREADME.md\n",
            "README.md": "The app.\n",
        }
    )
    return Pyramid(project, engine, unit)


async def test_a_killed_run_leaves_nothing_and_the_next_one_goes_on_where_it_was(
    pyramid: Pyramid,
) -> None:
    # Not by a worker, which would see for itself that the process is gone.
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", RELEASE, pyramid.app), cwd=HOME
    )
    try:
        ended = asyncio.ensure_future(process.wait())
        killed = (await pyramid.waiting("unit", ended))[0].run
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(green := await pyramid.passed_so_far()) < SHARDS["unit"]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.2)
        # The place of the layer after it may be there too.
        assert len(pyramid.left(killed)) >= 3 * SHARDS["unit"]
        assert [state.name for state in await states_of(killed)] == ["Running", "Running"]
    finally:
        # From here on any release may clear what it left, one of another test too.
        process.kill()
        await process.wait()

    running = asyncio.create_task(run_release(pyramid.app))
    shards = await pyramid.waiting("unit", running, killed)
    deadline = time.monotonic() + PATIENCE_SECONDS
    # It is removed beside the build.
    while left := pyramid.left(killed):
        assert time.monotonic() < deadline, left
        await asyncio.sleep(0.1)
    ends = [(state.name, state.message) for state in await states_of(killed)]
    assert ends == [("Crashed", KILLED)] * 2
    tell(shards, "pass")
    await pyramid.go_on("e2e", running)
    state = await running
    assert state.is_completed(), state.message
    row = await summary(pyramid.app, state)
    assert {name: one["passed"] for name, one in row["tests"].items()} == {"unit": 6, "e2e": 3}
    assert row["tests"]["unit"]["earlier"] == len(green)
    assert f"unit: {len(green)} tests did not run again" in await report(pyramid.app, state)
    async with (await Ledger.aload("default")).open() as book:
        ran = set(await book.known(pyramid.app, "unit"))
    assert ran == {f"{pyramid.unit}::test_{n}" for n in range(6)} - set(green)
    assert row["committed"] == 1
    assert pyramid.left(str(run_of(state))) == []


@pytest.mark.parametrize("end", ["Cancelled", "Crashed"])
async def test_of_a_run_that_is_cancelled_or_killed_nothing_goes_on(
    pyramid: Pyramid, end: str
) -> None:
    parameters = {"app": pyramid.app, "until": "commit"}
    running = asyncio.ensure_future(run_deployment("release/release", parameters=parameters))
    run = (await pyramid.waiting("unit", running))[0].run
    async with get_client() as client:
        if end == "Cancelled":
            await client.set_flow_run_state(UUID(run), Cancelling())
        else:
            process = (await client.read_flow_run(UUID(run))).infrastructure_pid
            os.kill(int(process or 0), signal.SIGKILL)
    assert (await running).state.name == end
    deadline = time.monotonic() + PATIENCE_SECONDS
    # Prefect tells of a run's end before its hooks have run.
    while (left := pyramid.left(run)) or [one.name for one in await states_of(run)] != [end, end]:
        assert time.monotonic() < deadline, (left, await states_of(run))
        await asyncio.sleep(0.1)


async def states_of(run: str) -> list[State[Any]]:
    """The states of a flow run and of its subflows."""
    itself = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(run)]))
    below = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[UUID(run)]))
    async with get_client() as client:
        found = [
            *await client.read_flow_runs(flow_run_filter=itself),
            *await client.read_flow_runs(flow_run_filter=below),
        ]
    return [one.state for one in found if one.state is not None]


async def test_shards_share_no_service_and_the_app_under_test_is_the_image_that_is_pushed(
    pyramid: Pyramid,
) -> None:
    running = asyncio.create_task(run_release(pyramid.app))
    shards = await pyramid.waiting("unit", running)
    assert {shard.sees("db") for shard in shards} == {shard.beside["db"].id for shard in shards}
    assert len({shard.beside["db"].id for shard in shards}) == SHARDS["unit"]
    tell(shards, "pass")
    (shard,) = await pyramid.waiting("e2e", running)
    assert shard.sees("app") == shard.beside["app"].id
    tested = shard.beside["app"].attrs["Image"]
    tell([shard], "pass")
    state = await running
    assert state.is_completed(), state.message
    assert pyramid.left(str(run_of(state))) == []
    pushed = (await summary(pyramid.app, state))["image"]
    assert config_of(pushed) == tested


def config_of(image: str) -> str:
    """The digest of an image's configuration, which is its id on an engine, from the registry."""
    repository, _, digest = image.partition("@")
    host, _, name = repository.partition("/")
    kinds = ("oci.image.manifest.v1", "docker.distribution.manifest.v2")
    accept = ", ".join(f"application/vnd.{kind}+json" for kind in kinds)
    found = httpx.get(f"http://{host}/v2/{name}/manifests/{digest}", headers={"Accept": accept})
    return found.raise_for_status().json()["config"]["digest"]


async def test_what_was_green_runs_again_only_at_night_and_red_is_never_remembered(
    pyramid: Pyramid,
) -> None:
    first = asyncio.create_task(run_release(pyramid.app))
    await pyramid.go_on("unit", first)
    await pyramid.go_on("e2e", first, "fail")
    red = await first
    assert "The e2e layer is red: tests/e2e/test_app.py::test_1 failed." in str(red.message)

    row = await summary(pyramid.app, red)
    assert [row[key] for key in ("built", "pushed", "committed")] == [1, 0, 0]

    second = asyncio.create_task(run_release(pyramid.app))
    await pyramid.go_on("e2e", second)
    green = await second
    since = green_since(await summary(pyramid.app, green))
    assert since == {"unit": str(run_of(red)), "e2e": None}

    before = pyramid.project.revision
    pyramid.project.change({"README.md": "Not in the image.\n"})
    third = await run_release(pyramid.app)
    row = await summary(pyramid.app, third)
    assert row["revision"] == pyramid.project.revision != before
    assert green_since(row) == {"unit": str(run_of(red)), "e2e": str(run_of(green))}
    assert row["pushed"] == 1
    page = await report(pyramid.app, third)
    assert f"/{run_of(red)}" in page
    assert f"/{run_of(green)}" in page

    night = asyncio.create_task(nightly(pyramid.app, return_state=True))  # pyright: ignore
    # At night a failure ends nothing, neither its own layer nor the next.
    await pyramid.go_on("unit", night, "fail")
    await pyramid.go_on("e2e", night, "fail")
    state = await night
    row = await summary(pyramid.app, state, "nightly")
    assert green_since(row) == {"unit": None, "e2e": None}
    assert [one["failed"] > 1 for one in row["tests"].values()] == [True, True]
    assert "The unit layer is red" in str(state.message)


def green_since(row: dict[str, Any]) -> dict[str, str | None]:
    """The id of the run that each layer is green from; the row has its address."""
    since = {name: layer["green_since"] for name, layer in row["tests"].items()}
    return {name: run and run.rpartition("/")[2] for name, run in since.items()}
