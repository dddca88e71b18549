"""A unit test that fails in its first second, while a build and its sibling shards take long."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import httpx
from docker import DockerClient
from git import Repo
from prefect import get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterName,
)
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort

from bench.common.apps import App, only_tests
from bench.common.command import run
from bench.common.section import Section
from bench.pyramid.traces import most, traces, watching
from examples import repositories

SECONDS = 60
TESTS = {
    "test_fails.py": "import time\n\ndef test_fails():\n    time.sleep(0.5)\n"
    "    print('failed at', time.time())\n    assert False\n",
    "test_slow.py": f"import time\n\ndef test_slow_1(): time.sleep({SECONDS})\n"
    f"def test_slow_2(): time.sleep({SECONDS})\n",
}


async def red(app: App, client: DockerClient) -> Section:
    """Release a commit with such a test, and look at what is left of it."""
    _slow_build(app)
    revision = only_tests(app, TESTS, {"shards": 3})
    before = _outside(app)
    with watching(client, app.name) as looks, watching(client, _mark(app)) as builds:
        done = run([*app.command, revision], app.env)
    ended = time.time()
    after, at_most, build = traces(client, app.name), most(looks), most(builds)
    flow = await _last_release(app.name)
    message = str(flow.state and flow.state.message)
    failed = float((re.findall(r"failed at ([\d.]+)", message) or ["nan"])[0])
    # A build that was over, or a shard that had not begun, would prove nothing.
    running = await _running(flow, failed)
    facts = {
        "Running as the test failed": ", ".join(running),
        "Seen while it ran, at most": str(at_most),
        "of it in the image build, at most": f"{len(build.processes)} processes",
        "From the failure to the end of the flow run": f"{_end(flow) - failed:.1f} s",
        "From the failure to the end of its process": f"{ended - failed:.1f} s",
        "Left": str(after),
        "Flow run": flow.state_name or "",
    }
    needed = {"build image", "unit, shard 2/3", "unit, shard 3/3"}
    return Section(
        title=f"A unit test fails in its first second; image build and siblings take {SECONDS} s",
        about="The failing test prints the time; the rest is what engine, kernel, registry, Git "
        "server and Prefect say.",
        rows=tuple({"": name, "Found": value} for name, value in facts.items()),
        promises={
            "the run is red, by that test": done.status != 0 and "test_fails failed" in message,
            "image build and both siblings were running": needed <= set(running),
            f"the flow run ends long before they would: within {SECONDS // 2} s": (
                _end(flow) - failed < SECONDS / 2
            ),
            "no container, network, build or process is left": (
                all(at_most.things) and bool(build.processes) and after.none
            ),
            "registry and ops repository are as they were": _outside(app) == before,
        },
    )


def _slow_build(app: App) -> None:
    """Let the image that ships take long; the tests' image is as quick as before."""
    file = Path(app.code.working_dir, "Dockerfile")
    stage = "FROM ${BASE} AS runtime\n"
    text = file.read_text().replace(stage, f"{stage}RUN sleep {SECONDS} && : {_mark(app)}\n")
    repositories.commit(app.code, "A slow build", {"Dockerfile": text})


def _mark(app: App) -> str:
    """What only the processes of the slow build have in their arguments."""
    return f"{app.name}-slow-build"


def _outside(app: App) -> tuple[str, str]:
    """The app's tags in the registry, and the commits of its folder in the ops repository."""
    tags = httpx.get(f"http://{os.environ['SHIPWAY_REGISTRY']}/v2/{app.name}/tags/list")
    ops = Repo(Path(os.environ["SHIPWAY_GIT_ROOT"], "ops.git"))
    log = ops.git.log("--format=%H", "main", "--", f"staging/{app.name}")
    return tags.raise_for_status().text, str(log)


async def _last_release(app: str) -> FlowRun:
    async with get_client() as client:
        newest, *_ = await client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=["release"])),
            flow_run_filter=FlowRunFilter(name=FlowRunFilterName(like_=app)),
            sort=FlowRunSort.START_TIME_DESC,
        )
    return newest


def _end(flow: FlowRun) -> float:
    return flow.end_time.timestamp() if flow.end_time else float("inf")


async def _running(flow: FlowRun, at: float) -> list[str]:
    """The tasks of a run and of its layers that were at it at a time."""
    async with get_client() as client:
        unit = FlowRunFilterName(like_=f"unit · {flow.name.partition(' → ')[0]}")
        layers = await client.read_flow_runs(flow_run_filter=FlowRunFilter(name=unit))
        ids = [flow.id, *(layer.id for layer in layers)]
        tasks = await client.read_task_runs(
            flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=ids))
        )
    return sorted(
        task.name
        for task in tasks
        if task.start_time
        and task.start_time.timestamp() < at
        and (task.end_time is None or task.end_time.timestamp() > at)
    )
