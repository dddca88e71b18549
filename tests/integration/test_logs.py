"""Logs as JSON of a run on the real Prefect server: tasks and subflows say what they are about."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.support.project import HOME

RUN = """\
import asyncio
from datetime import UTC, datetime
from prefect import flow, task
from prefect.logging import get_run_logger
from flows.runtime.run_reporter import report_run
from shipway.app_environment import AppEnvironment
from shipway.git.revision import Revision

@task
async def push():
    get_run_logger().info("pushed %s", "it")

@flow
async def layer():
    get_run_logger().info("tested")

@flow
async def release():
    async with report_run(AppEnvironment(app="shop", environment="logs")) as reporter:
        get_run_logger().info("begun")
        at = datetime(2026, 11, 30, tzinfo=UTC)
        reporter.releases(Revision(commit="c1", tree="t1", author="Ada", subject="One", at=at))
        await layer()
        await push()
    get_run_logger().info("over")

asyncio.run(release())
"""


def test_tasks_and_subflows_say_which_run_app_and_revision_they_are_about(
    sandbox: dict[str, str],
) -> None:
    env = {
        **sandbox,
        "PYTHONPATH": str(HOME),
        "PREFECT_LOGGING_SETTINGS_PATH": str(HOME / "deployments" / "logging" / "json.yaml"),
    }
    done = subprocess.run(
        [sys.executable, "-c", RUN], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = {line["msg"]: line for line in map(json.loads, done.stderr.splitlines())}
    assert {said: about(lines[said]) for said in ("begun", "tested", "pushed it", "over")} == {
        "begun": ("shop", "logs", None),
        "tested": ("shop", "logs", "c1"),
        "pushed it": ("shop", "logs", "c1"),
        "over": (None, None, None),
    }
    assert lines["tested"]["flow_name"] == "layer"
    assert lines["pushed it"]["task_name"] == "push"
    assert lines["pushed it"]["flow_run_id"] == lines["begun"]["flow_run_id"]


def about(line: dict[str, Any]) -> tuple[str | None, ...]:
    return tuple(line.get(name) for name in ("app", "environment", "revision"))
