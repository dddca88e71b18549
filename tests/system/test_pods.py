"""A release whose layers run in pods of the real cluster."""

from __future__ import annotations

import asyncio
import sys
import time
import uuid
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
from prefect import get_client

from blocks.container_runner import ContainerRunner
from blocks.image_builder import ImageBuilder
from blocks.pod_runner import PodRunner
from shipway.kubernetes.client import KubeClient
from shipway.runners.labels import RUN_LABEL
from tests.support.builders import buildkit_block
from tests.support.pods import pod_runner
from tests.support.project import HOME, Project
from tests.support.runs import run_of, run_release, summary

# The blocks that they save are found by every release.
pytestmark = pytest.mark.alone

# Services of a pod share its network: their names all lead to it.
LAYERS = """
    unit:
      command: [pytest, tests/unit]
      runner: pod
      shards: 2
      new_tests: 1
    e2e:
      command: [pytest, tests/e2e]
      runner: pod
      new_tests: 1
      services:
        db:
          image: {postgres}
          env: {{POSTGRES_PASSWORD: test}}
          ready: [pg_isready, --host, 127.0.0.1]
      app:
        ready: [python3, -c, "import urllib.request as r; r.urlopen('http://localhost:8080')"]
"""
E2E = """
import socket, urllib.request
def test_app(): assert urllib.request.urlopen("http://app:8080").read() == b"Hello, world!"
def test_db(): socket.create_connection(("db", 5432)).close()
"""
SLOW = "import time\ndef test_slow(): time.sleep({seconds})\n"
RELEASE = "import asyncio, sys; from flows.release import release; "
RELEASE += "asyncio.run(release(sys.argv[1], until='commit'))"
PATIENCE_SECONDS = 120
NOTHING: dict[str, list[str]] = {"Job": [], "ConfigMap": [], "Pod": []}


@pytest.fixture
async def in_pods(
    project: Project, cluster: KubeClient, sandbox: dict[str, str]
) -> AsyncIterator[Project]:
    head = project.file("pipeline.yaml").partition("layers:")[0]
    layers = LAYERS.format(postgres=sandbox["SHIPWAY_POSTGRES_IMAGE"])
    quick = "".join(f"def test_{n}(): pass\n" for n in range(4))
    tests = {"tests/unit/test_quick.py": quick, "tests/e2e/test_app.py": E2E}
    project.change({"pipeline.yaml": f"{head}layers:{layers}", **tests})
    async with pod_runner(sandbox["KUBECONFIG"]) as runner:
        await runner.asave("default", overwrite=True)  # pyright: ignore[reportAttributeAccessIssue]
        yield project
    # Left there, it would have every other test look for pods.
    async with get_client() as client:
        block = await client.read_block_document_by_name("default", PodRunner.get_block_type_slug())
        await client.delete_block_document(block.id)


@pytest.fixture
async def no_engine(
    buildkit: None, sandbox: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    """BuildKit builds; there is no Docker engine, and no block that leads to one."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/engine.sock")
    builder, runner = await ImageBuilder.aload("default"), await ContainerRunner.aload("default")
    cache = f"{sandbox['SHIPWAY_REGISTRY']}/cache/{uuid.uuid4().hex}"
    await buildkit_block(cache=cache).asave("default", overwrite=True)  # pyright: ignore[reportAttributeAccessIssue]
    await ContainerRunner.adelete("default")
    yield
    await builder.asave("default", overwrite=True)  # pyright: ignore[reportAttributeAccessIssue]
    await runner.asave("default")  # pyright: ignore[reportAttributeAccessIssue]


async def left(cluster: KubeClient, run: object) -> dict[str, list[str]]:
    """What the cluster has of a flow run, by kind."""
    kinds = ("batch/v1", "Job"), ("v1", "ConfigMap"), ("v1", "Pod")
    selector = quote(f"{RUN_LABEL}={run}", safe="=")
    found = {
        kind: await cluster.list(version, kind, "default", selector) for version, kind in kinds
    }
    return {kind: [one["metadata"]["name"] for one in those] for kind, those in found.items()}


async def test_layers_in_pods_have_shards_services_and_the_app_and_leave_nothing(
    in_pods: Project, cluster: KubeClient
) -> None:
    state = await run_release(in_pods.app)
    assert state.is_completed(), state.message
    row = await summary(in_pods.app, state)
    assert {name: one["passed"] for name, one in row["tests"].items()} == {"unit": 4, "e2e": 2}
    assert len(row["tests"]["unit"]["shards"]) == 2
    assert await left(cluster, run_of(state)) == NOTHING
    # What is tested before the release stands beside the releases.
    assert list(in_pods.tags()) == [in_pods.revision]


async def test_what_a_killed_run_left_in_the_cluster_is_gone_after_the_next_start(
    in_pods: Project, cluster: KubeClient
) -> None:
    in_pods.change({"tests/unit/test_slow.py": SLOW.format(seconds=600)})
    # Not by a worker, which would see for itself that the process is gone.
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", RELEASE, in_pods.app), cwd=HOME
    )
    try:
        killed = await _running(cluster)
    finally:
        process.kill()
        await process.wait()
    in_pods.change({"tests/unit/test_slow.py": SLOW.format(seconds=0)})
    state = await run_release(in_pods.app)
    assert state.is_completed(), state.message
    assert await left(cluster, killed) == NOTHING


async def test_a_release_by_buildkit_needs_no_engine_and_shows_nothing_before_green(
    in_pods: Project, cluster: KubeClient, no_engine: None
) -> None:
    in_pods.change({"tests/unit/test_red.py": "def test_red(): assert False\n"})
    state = await run_release(in_pods.app)
    assert state.is_failed()
    assert "test_red" in str(state.message)
    assert in_pods.tags() == {}

    in_pods.change({"tests/unit/test_red.py": ""})
    state = await run_release(in_pods.app)
    assert state.is_completed(), state.message
    row = await summary(in_pods.app, state)
    assert {name: one["passed"] for name, one in row["tests"].items()} == {"unit": 4, "e2e": 2}
    assert in_pods.tags() == {in_pods.revision: str(row["image"]).partition("@")[2]}
    assert await left(cluster, run_of(state)) == NOTHING

    again = await summary(in_pods.app, await run_release(in_pods.app))
    assert [again[key] for key in ("built", "pushed", "committed")] == [0, 0, 0]


async def _running(cluster: KubeClient) -> str:
    """The flow run of which the cluster has every kind: a Job stands before its pods do."""
    runner = (await PodRunner.aload("default")).open()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for run in await runner.owners():
            if all((await left(cluster, run)).values()):
                return run
        await asyncio.sleep(0.5)
    raise AssertionError("No run has a Job, its ConfigMap and a pod.")
