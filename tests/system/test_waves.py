"""Three waves in three namespaces: each begins by itself, and the first red one is the last."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest
from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterIdempotencyKey
from prefect.client.schemas.objects import FlowRun

from examples import repositories
from flows.release_new import release_new
from shipway.kubernetes.client import KubeClient
from tests.support.process_workers import over
from tests.support.project import Project
from tests.support.runs import run_release, summary

SHIPWAY = str(Path(sys.executable).with_name("shipway"))
WAVES = ("staging", "wave-2", "wave-3")
GATE = """\
gates: [{name: page, interval_seconds: 1, http: {service: APP, contains: "Hello, world!"}}]
"""


@pytest.fixture
async def waves(cluster_project: Project, cluster: KubeClient) -> AsyncIterator[Project]:
    """The README's app, which goes from staging to two more environments; the second has a gate."""
    app = cluster_project.app
    files = [wave(cluster_project, source, here) for source, here in pairwise(WAVES)]
    cluster_project.change_ops({name: text for each in files for name, text in each.items()})
    yield cluster_project
    cluster_project.pull_ops()
    for environment in WAVES[1:]:
        cluster_project.ops.git.rm("-r", f"{environment}/{app}")
    repositories.commit(cluster_project.ops, f"By hand: {app}", {})
    for environment in WAVES[1:]:
        namespace = f"{app}-{environment}"
        if await cluster.get("v1", "Namespace", namespace, None) is not None:
            await cluster.delete("v1", "Namespace", namespace, None)


def wave(project: Project, source: str, here: str) -> dict[str, str]:
    """The files of an environment that takes its versions from another one by itself."""
    app = project.app
    rollout = project.ops_file("rollout.yaml").replace(f"space: {app}", f"space: {app}-{here}")
    rollout += "cluster: staging\n"
    rollout += f"promotion: {{source: {source}, healthy_for_seconds: 2, by_itself: true}}\n"
    if here == "wave-2":
        rollout += GATE.replace("APP", app)
    manifests = project.ops_file("deployment.yaml")
    return {
        f"{here}/{app}/rollout.yaml": rollout,
        f"{here}/{app}/deployment.yaml": manifests.replace(
            f"name: {app}\n", f"name: {app}-{here}\n", 1
        ),
    }


async def promotions(app: str, environment: str, image: str) -> list[FlowRun]:
    """The runs that the loop has started for an image."""
    keys = FlowRunFilterIdempotencyKey(any_=[f"{environment}/{app}@{image}"])
    async with get_client() as client:
        return await client.read_flow_runs(flow_run_filter=FlowRunFilter(idempotency_key=keys))


async def promoted(app: str, environment: str, image: str) -> FlowRun:
    """Turn the loop until it promotes an image, and wait for the end of the run."""
    async with asyncio.timeout(120):
        while not (runs := await promotions(app, environment, image)):
            await release_new(return_state=True)  # pyright: ignore[reportGeneralTypeIssues]
            await asyncio.sleep(1)
    (run,) = runs
    await over(run)
    async with get_client() as client:
        return await client.read_flow_run(run.id)


async def images(cluster: KubeClient, app: str, environment: str) -> set[str]:
    """What the pods of an environment run that are not about to go."""
    pods = await cluster.list("v1", "Pod", f"{app}-{environment}", f"app={app}")
    kept = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    return {pod["spec"]["containers"][0]["image"] for pod in kept}


def status(app: str, environment: str) -> str:
    """What `shipway status` prints of an environment."""
    command = [SHIPWAY, "status", app, "--environment", environment]
    return " ".join(subprocess.check_output(command, text=True).split())


def steps(project: Project, environment: str) -> list[str]:
    """The steps of the commits of an environment, newest first."""
    project.pull_ops()
    form = "--format=%(trailers:key=Step,valueonly,separator=)"
    said = project.ops.git.log(form, "--", f"{environment}/{project.app}")
    return [line for line in str(said).splitlines() if line]


async def test_a_red_gate_in_the_second_wave_leaves_the_third_untouched(
    waves: Project, cluster: KubeClient
) -> None:
    app, (_, second, third) = waves.app, WAVES
    released = await run_release(app, until="healthy")
    assert released.is_completed(), released.message
    green = str((await summary(app, released))["image"])
    for environment in (second, third):
        run = await promoted(app, environment, green)
        assert run.state_name == "Completed", run.state
        assert await images(cluster, app, environment) == {green}
    assert [steps(waves, each)[0] for each in WAVES] == ["done", "done", "1/1 rolling"]
    before = waves.ops_log(third)

    waves.change({"hello.py": waves.file("hello.py").replace("greeting()", 'greeting("nobody")')})
    released = await run_release(app, until="healthy")
    assert released.is_completed(), released.message
    red = str((await summary(app, released))["image"])
    run = await promoted(app, second, red)
    assert run.state_name == "Failed"
    assert "no 'Hello, world!' in the answer" in str(run.state and run.state.message)
    assert await images(cluster, app, second) == {green}

    await release_new(return_state=True)  # pyright: ignore[reportGeneralTypeIssues]
    assert len(await promotions(app, second, red)) == 1
    assert await promotions(app, third, red) == []
    assert waves.ops_log(third) == before
    assert await images(cluster, app, third) == {green}
    assert f"{waves.revision[:7]} halted: on hold in {second}" in status(app, third)
