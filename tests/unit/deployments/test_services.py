"""The units of systemd in docs/setup.md start what there is."""

from __future__ import annotations

import re
from configparser import RawConfigParser

from deployments.removed import PREFECT_YAML
from deployments.warm.worker import WARM
from shipway.cli.main import app
from tests.support.project import HOME


def command(unit: str) -> list[str]:
    """What a unit starts, without its folder."""
    text = (HOME / "docs" / "setup.md").read_text("utf-8")
    (block,) = re.findall(rf"```ini\n# \S+/{unit}\.service\n(.*?)```", text, re.DOTALL)
    parsed = RawConfigParser(strict=False)
    parsed.read_string(block)
    program, *arguments = parsed["Service"]["ExecStart"].split()
    return [program.rpartition("/")[2], *arguments]


def test_the_workers_pool_is_that_of_the_deployments() -> None:
    pool = re.search(r"work_pool:\n +name: (\S+)\n", PREFECT_YAML.read_text("utf-8"))
    assert pool
    start = ["prefect", "worker", "start", "--pool", pool[1], "--type", WARM]
    assert command("shipway-worker") == start


def test_the_receiver_takes_its_arguments() -> None:
    program, *arguments = command("shipway-webhooks")
    started, bound, _ = app.parse_args(arguments, exit_on_error=False, print_error=False)
    assert (program, started.__name__) == ("shipway", "webhooks")
    assert set(bound.arguments) == {"host", "port"}
