from __future__ import annotations

from importlib import import_module

import pytest

from shipway.cli.main import COMMANDS, app


@pytest.mark.parametrize(("where", "help_line"), COMMANDS.items())
def test_help_lists_each_command_as_it_describes_itself(where: str, help_line: str) -> None:
    module, _, name = where.partition(":")
    described = getattr(import_module(module), name).__doc__
    assert described.partition("\n")[0] == help_line
    assert name.replace("_", "-") in app
