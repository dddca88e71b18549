"""What has proven itself in staging goes to production, by its digest and without a build."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from docker import DockerClient
from prefect.client.schemas.objects import State

from examples import repositories
from flows.promote import promote
from shipway.kubernetes.client import KubeClient
from tests.support.pages import paste, pasted
from tests.support.project import Project
from tests.support.runs import run_of as run_of_state
from tests.support.runs import run_release, summary, tasks_and_subflows
from tests.support.world import World


@pytest.fixture
async def two(cluster_project: Project, cluster: KubeClient) -> AsyncIterator[Project]:
    """The README's app in staging and, in a namespace of its own, in production."""
    app, folder = cluster_project.app, f"production/{cluster_project.app}"
    cluster_project.change_ops(production(cluster_project, healthy_for_seconds=0))
    yield cluster_project
    cluster_project.pull_ops()
    cluster_project.ops.git.rm("-r", folder)
    repositories.commit(cluster_project.ops, f"By hand: {app}", {})
    namespace = f"{app}-production"
    if await cluster.get("v1", "Namespace", namespace, None) is not None:
        await cluster.delete("v1", "Namespace", namespace, None)


def production(project: Project, healthy_for_seconds: float) -> dict[str, str]:
    """The files of production: those of staging in another namespace, and where it comes from."""
    app = project.app
    rollout = project.ops_file("rollout.yaml").replace(f"space: {app}", f"space: {app}-production")
    manifests = project.ops_file("deployment.yaml")
    return {
        f"production/{app}/rollout.yaml": f"{rollout}"
        f"promotion: {{source: staging, healthy_for_seconds: {healthy_for_seconds}}}\n",
        f"production/{app}/deployment.yaml": manifests.replace(
            f"name: {app}\n", f"name: {app}-production\n", 1
        ),
    }


# The tip of the ops repository, which others commit to.
TIP = re.compile(r"at [0-9a-f]{7}\b")


async def run_promote(app: str) -> State[Any]:
    return await promote(app, "production", return_state=True)  # pyright: ignore


async def test_the_digest_of_staging_goes_to_production_and_nothing_is_built(
    two: Project, cluster: KubeClient, engine: DockerClient
) -> None:
    world = World(two, engine, cluster, "production")
    refused = await world.plan(promotion=True)
    state = await run_promote(two.app)
    assert "'staging' has no release" in str(state.message)
    assert TIP.sub("at …", str(refused.refusal)) in TIP.sub("at …", str(state.message))

    released = await summary(two.app, await run_release(two.app, until="healthy"))
    planned = await world.plan(promotion=True)
    assert planned.title == f"plan {two.app} {two.revision[:7]}: staging → production"
    assert (planned.image, planned.stages) == (released["image"], [])
    state = await run_promote(two.app)
    assert world.planned(planned) == world.committed() != []
    assert state.is_completed(), state.message
    row = await summary(two.app, state, "production")
    assert (row["image"], row["revision"]) == (released["image"], two.revision)
    assert [row[key] for key in ("built", "pushed", "committed")] == [0, 0, 1]
    tasks, _ = await tasks_and_subflows(run_of_state(state))
    assert not any(name.startswith(("build", "shard", "push")) for name in tasks)
    pods = await cluster.list("v1", "Pod", f"{two.app}-production", f"app={two.app}")
    assert [pod["spec"]["containers"][0]["image"] for pod in pods] == [row["image"]]
    two.pull_ops()
    trailers = two.ops.git.log("-1", "--format=%(trailers)", "--", f"production/{two.app}")
    assert "Promoted-From: staging" in trailers

    assert (await world.plan(promotion=True)).outcome == "no changes"
    (command,) = pasted("docs/rollouts.md", "Promotion")
    again = await asyncio.to_thread(paste, command, {"shop": two.app}, os.environ)
    assert again.returncode == 0, again.stderr
    assert ": nothing to do, " in again.stdout.splitlines()[-1]


async def test_a_version_that_is_too_young_stays_where_it_is(two: Project) -> None:
    two.change_ops(production(two, healthy_for_seconds=3600))
    assert (await run_release(two.app, until="healthy")).is_completed()
    state = await run_promote(two.app)
    assert state.is_failed()
    assert "has not proven itself yet" in str(state.message)
    assert "healthy for 3600 s" in str(state.message)
    two.pull_ops()
    subjects = two.ops.git.log("--format=%s", "--", f"production/{two.app}")
    assert "→ production" not in subjects
