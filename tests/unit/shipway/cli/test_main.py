from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from shipway.cli.main import COMMANDS, app


@pytest.mark.parametrize(("where", "help_line"), COMMANDS.items())
def test_help_lists_each_command_as_it_describes_itself(where: str, help_line: str) -> None:
    module, _, name = where.partition(":")
    described = getattr(import_module(module), name).__doc__
    assert described.partition("\n")[0] == help_line
    assert name.replace("_", "-") in app


def test_no_command_waits_for_what_only_flows_need() -> None:
    # What pipeline.yaml may say depends on the runners that there are.
    readers = {"shipway.cli.check", "shipway.cli.init"}
    modules = {where.partition(":")[0] for where in COMMANDS} - readers
    ask = f"import sys, {', '.join(modules)}; print(*{{n.partition('.')[0] for n in sys.modules}})"
    imported = subprocess.check_output([sys.executable, "-c", ask], text=True).split()
    assert "shipway" in imported
    assert {"prefect", "kubernetes_asyncio", "aiohttp", "docker"} & set(imported) == set()
