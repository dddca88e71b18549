"""Logs as JSON, as a process of Prefect's writes them with the settings of deployments/logging."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.support.project import HOME

SETTINGS = HOME / "deployments" / "logging" / "json.yaml"
LOGS = """\
import logging
import prefect.main
from prefect.logging import get_logger
from shipway.log_fields import add_field, log_about

log = get_logger("flow_runs")
log.info("before %s", "it")
with log_about(app="shop", environment="prod"):
    log.info("built")
    add_field("revision", "c1")
    with log_about(app="cart"):
        log.warning("pushed %s: %d", "it", 7, extra={"flow_run_id": "1"})
    log.info("done")
log.info("after")
try:
    raise ValueError("no")
except ValueError:
    logging.getLogger("app").exception("broken")
"""


@pytest.fixture(scope="module")
def lines() -> list[dict[str, Any]]:
    env = {
        **os.environ,
        "PREFECT_LOGGING_SETTINGS_PATH": str(SETTINGS),
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
    }
    done = subprocess.run(
        [sys.executable, "-c", LOGS], env=env, capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_each_line_is_an_object_with_its_message_as_a_whole(lines: list[dict[str, Any]]) -> None:
    said = [(line["severity"], line["msg"]) for line in lines]
    assert said == [
        ("INFO", "before it"),
        ("INFO", "built"),
        ("WARNING", "pushed it: 7"),
        ("INFO", "done"),
        ("INFO", "after"),
        ("ERROR", "broken"),
    ]
    assert lines[-1]["exc_info"]["message"] == "no"


def test_each_line_says_what_it_is_about_and_no_other_one_does(lines: list[dict[str, Any]]) -> None:
    named = ("app", "environment", "revision")
    assert [[line.get(name) for name in named] for line in lines] == [
        [None, None, None],
        ["shop", "prod", None],
        ["cart", "prod", "c1"],
        ["shop", "prod", "c1"],
        [None, None, None],
        [None, None, None],
    ]
    assert lines[2]["flow_run_id"] == "1"
