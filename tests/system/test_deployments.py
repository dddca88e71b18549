"""What people start: deployments with described parameters, from CI and on a schedule."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prefect import get_client

from deployments.bootstrap import offer_what_is_registered
from tests.support.project import Project

PREFECT = str(Path(sys.executable).with_name("prefect"))


def run_from_ci(*parameters: str) -> subprocess.CompletedProcess[str]:
    """`prefect deployment run`, as the README tells CI to call it."""
    given = [word for one in (*parameters, "until=commit") for word in ("--param", one)]
    command = [PREFECT, "deployment", "run", "release/release", *given, "--watch"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_ci_starts_a_release_and_gets_its_outcome(project: Project) -> None:
    done = run_from_ci(f"app={project.app}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(project.tags()) == [project.revision]
    assert len(project.ops_log()) == 2


def test_ci_hears_of_a_red_test(project: Project) -> None:
    broken = project.file("hello.py").replace("Hello, {name}!", "Goodbye, {name}!")
    project.change({"hello.py": broken})
    done = run_from_ci(f"app={project.app}", f"revision={project.revision}")
    assert done.returncode == 1
    assert "Flow run finished in state 'Failed'." in done.stdout
    assert f"URL: {os.environ['PREFECT_API_URL'].removesuffix('/api')}/runs/" in done.stdout
    assert project.tags() == {}


@pytest.mark.parametrize(
    "name",
    [
        "release/release",
        "plan/plan",
        "promote/promote",
        "rollback/rollback",
        "clear-hold/clear-hold",
        "history/history",
        "reconcile/every-minute",
        "reconcile/on-commit",
        "nightly/nightly",
    ],
)
async def test_every_deployment_and_parameter_is_described(
    sandbox: dict[str, str], name: str
) -> None:
    async with get_client() as client:
        found = await client.read_deployment_by_name(name)
    assert found.description
    parameters = found.parameter_openapi_schema["properties"]
    assert parameters
    for key, one in parameters.items():
        assert one.get("description"), key
        assert "type" in one or "anyOf" in one or "enum" in one, key


async def test_the_form_offers_what_is_registered(project: Project) -> None:
    await offer_what_is_registered()
    async with get_client() as client:
        release = await client.read_deployment_by_name("release/release")
        history = await client.read_deployment_by_name("history/history")
    app, environment = (
        found.parameter_openapi_schema["properties"][name]["anyOf"]
        for found, name in ((release, "app"), (history, "environment"))
    )
    assert project.app in app[0]["enum"]
    assert "staging" in environment[0]["enum"]


async def test_the_schedules_are_as_the_readme_says(sandbox: dict[str, str]) -> None:
    async with get_client() as client:
        nightly = await client.read_deployment_by_name("nightly/nightly")
        agent = await client.read_deployment_by_name("reconcile/every-minute")
        new = await client.read_deployment_by_name("release-new/release-new")
        release = await client.read_deployment_by_name("release/release")
    (night,) = nightly.schedules
    assert (night.schedule.cron, night.schedule.timezone) == ("30 2 * * *", "Europe/Berlin")
    (turn,) = agent.schedules
    assert turn.schedule.interval.total_seconds() == 60
    (look,) = new.schedules
    assert look.schedule.interval.total_seconds() == 60
    assert new.global_concurrency_limit is not None
    assert new.global_concurrency_limit.limit == 1
    assert release.schedules == []
