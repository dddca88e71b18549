"""What people start: deployments with described parameters, from CI and on a schedule."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from prefect import get_client

from deployments.bootstrap import show_what_is_registered
from deployments.removed import PREFECT_YAML, declared
from tests.support.pages import paste, pasted
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
    "lines", [pasted("docs/gitops.md", "History"), pasted("docs/testing.md", "The ledger")]
)
def test_the_pages_about_what_was_are_made(project: Project, lines: list[str]) -> None:
    names = {"shop": project.app, "production": "staging"}
    # The history of one app alone: the tests of a sandbox make many.
    options = f"--param app={project.app} --watch"
    (line,) = lines
    done = paste(f"{line.rstrip()} {options}", names, os.environ)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "name",
    [
        "release/release",
        "plan/plan",
        "promote/promote",
        "rollback/rollback",
        "clear-hold/clear-hold",
        "decommission/decommission",
        "history/history",
        "reconcile/every-minute",
        "reconcile/on-commit",
        "nightly/nightly",
        "retention/retention",
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


async def test_what_is_registered_is_offered_by_forms_and_has_its_night(project: Project) -> None:
    await show_what_is_registered()
    async with get_client() as client:
        release = await client.read_deployment_by_name("release/release")
        history = await client.read_deployment_by_name("history/history")
        nightly = await client.read_deployment_by_name("nightly/nightly")
    app, environment = (
        found.parameter_openapi_schema["properties"][name]["anyOf"]
        for found, name in ((release, "app"), (history, "environment"))
    )
    assert project.app in app[0]["enum"]
    assert "staging" in environment[0]["enum"]
    (night,) = (it for it in nightly.schedules if it.parameters == {"app": project.app})
    assert (night.schedule.cron, night.schedule.timezone) == ("30 1 * * *", "UTC")


async def test_versions_schedules_and_limits_are_as_the_page_on_setup_says(
    sandbox: dict[str, str],
) -> None:
    async with get_client() as client:
        ours = [await client.read_deployment_by_name(name) for name in declared(PREFECT_YAML)[1]]
    shipway = re.compile(rf"{version('shipway')}(\+[0-9a-f]{{7,}}(\.dirty)?)?")
    assert all(each.version and shipway.fullmatch(each.version) for each in ours)
    limits = {
        each.name: (
            each.global_concurrency_limit.limit,
            each.concurrency_options.collision_strategy,
        )
        for each in ours
        if each.global_concurrency_limit and each.concurrency_options
    }
    assert limits == {
        "every-minute": (2, "CANCEL_NEW"),
        "release-new": (1, "CANCEL_NEW"),
        "nightly": (2, "ENQUEUE"),
        "every-day": (1, "CANCEL_NEW"),
    }
    turns = {
        each.name: [it.schedule.interval.total_seconds() for it in each.schedules]
        for each in ours
        if each.schedules and each.name not in {"nightly", "every-day"}
    }
    assert turns == {"every-minute": [60], "release-new": [60]}
    (every_day,) = (each for each in ours if each.name == "every-day")
    assert [it.schedule.cron for it in every_day.schedules] == ["30 3 * * *"]
    assert every_day.parameters == {"dry_run": False}
