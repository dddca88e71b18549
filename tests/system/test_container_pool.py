"""Releases in containers of their own, as docs/compose.md says: the pool, its worker, a release."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from docker import DockerClient
from prefect import get_client
from prefect.client.schemas.actions import WorkPoolUpdate

from deployments.pools.run_containers import make_run_containers
from tests.support.in_cluster import reachable_from_the_engines_network
from tests.support.kubectl import shell_with_kubectl
from tests.support.pages import paste, pasted
from tests.support.process_workers import over, remove_pool, until
from tests.support.production import build_image
from tests.support.project import Project

IMAGE = "shipway/containers:test"
STEP = {"prefect.deployments.steps.set_working_directory": {"directory": "{{ $SHIPWAY_HOME }}"}}


@pytest.fixture
async def deployment(
    project: Project, sandbox: dict[str, str], tmp_path: Path
) -> AsyncIterator[Any]:
    """A deployment whose runs are containers, by a worker that is one too."""
    name = f"containers-{project.app}"
    shell = shell_with_kubectl(sandbox, tmp_path)
    build_image(shell, IMAGE, sandbox["SHIPWAY_PYTHON_IMAGE"])
    socket = urlsplit(sandbox["DOCKER_HOST"]).path
    async with get_client() as client:
        await make_run_containers(client, name, "shipway/containers:before")
        # The sandbox's engine builds, and has no address but its socket.
        pool = await client.read_work_pool(name)
        template = pool.base_job_template
        variables = template["variables"]["properties"]
        cli = sandbox["SHIPWAY_DOCKER_CLI"]
        variables["volumes"]["default"] = [f"{socket}:{socket}", f"{cli}:{cli}:ro"]
        group = str(os.stat(socket).st_gid)  # noqa: PTH116
        variables["container_create_kwargs"]["default"]["group_add"] = [group]
        await client.update_work_pool(name, WorkPoolUpdate(base_job_template=template))
        # What people set stays, and the image is the new one.
        await make_run_containers(client, name, IMAGE)
        made = await client.create_deployment(
            await client.create_flow_from_name("release"),
            name,
            work_pool_name=name,
            entrypoint="flows.release.release",
            pull_steps=[STEP],
        )
    (start,) = pasted("docs/compose.md", "Runs in containers")
    names = {
        "docker run": "docker run --network host",
        "launcher": name,
        "/var/run/docker.sock:": f"{socket}:",
        "%g /var/run/docker.sock": f"%g {socket}",
        "registry.example.org/platform/shipway:0.1.0": IMAGE,
        "shipway-containers": name,
    }
    try:
        with reachable_from_the_engines_network(sandbox):
            done = paste(start, names, shell)
            assert done.returncode == 0, done.stderr
            yield made
            # Shown where the test is red.
            print(paste(f"docker logs {name}", {}, shell).stderr)
    finally:
        paste(f"docker rm --force {name}", {}, shell)
        await remove_pool(name)


def containers_of(engine: DockerClient, run: object) -> list[dict[str, Any]]:
    """The containers of a run that are there."""
    only = {"label": f"io.prefect.flow-run-id={run}"}
    return [found.attrs for found in engine.containers.list(all=True, filters=only)]


async def test_a_release_is_a_container_that_may_do_little_and_is_gone_afterwards(
    project: Project, engine: DockerClient, deployment: Any
) -> None:
    given = {"app": project.app, "environment": "staging", "until": "commit"}
    async with get_client() as client:
        run = await client.create_flow_run_from_deployment(deployment, parameters=given)
    await until(lambda: bool(containers_of(engine, run.id)), 120)
    (container,) = containers_of(engine, run.id)
    assert container["Config"]["Image"] == IMAGE
    assert container["Config"]["User"] == "10001:10001"
    granted = container["HostConfig"]
    assert granted["ReadonlyRootfs"]
    assert (granted["CapAdd"], granted["CapDrop"]) == (None, ["ALL"])
    assert granted["SecurityOpt"] == ["no-new-privileges"]

    state = await over(run)
    assert state.is_completed(), state.message
    assert list(project.tags()) == [project.revision]
    assert len(project.ops_log()) == 2
    await until(lambda: not containers_of(engine, run.id))
