"""docs/extending.md: each part is one file and one line, and works."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.forge import Forge
from blocks.ops_repository import OpsRepository
from shipway import forges
from shipway.config.pipeline import read_pipeline
from shipway.config.rollout import read_rollout
from shipway.errors import FailError, RefuseError
from shipway.git.ops_folder import OpsFolder, Proposal
from shipway.rollout.target import Target, target_of
from tests.support import canary_folder
from tests.support.origin import Origin
from tests.support.project import HOME

PAGE = (HOME / "docs" / "extending.md").read_text("utf-8")
PARTS = ("strategy", "kind of gate", "traffic router", "test tool", "runner", "forge")
IMAGE = f"registry/shop@sha256:{'1' * 64}"

Add = Callable[[str], ModuleType]


def blocks_of(part: str) -> list[str]:
    """The Python of a part's section."""
    section = re.search(rf"^## A {part}$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert section is not None, part
    return re.findall(r"```python\n(.*?)```", section[1], re.DOTALL)


@pytest.fixture
def add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Add:
    """Adds a part as the page says: its file, and its line in the registry."""

    def added(part: str) -> ModuleType:
        file, line = blocks_of(part)
        name = f"extending_{part.replace(' ', '_')}"
        if part == "forge":
            name = "mail"
        path = tmp_path / f"{name}.py"
        path.write_text(file)
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        registry, key, value = re.fullmatch(r'(\w+)\["(\w+)"\] = (\w+)\n', line).groups()  # pyright: ignore[reportOptionalMemberAccess]
        known = getattr(importlib.import_module(registry_of(part)), registry)
        monkeypatch.setitem(known, key, vars(module).get(value, module))
        return module

    return added


def registry_of(part: str) -> str:
    """The module that the page names for the line."""
    named = re.search(
        rf"^## A {part}$.*?The line, in `(\S+?)(?:/__init__)?\.py`:", PAGE, re.MULTILINE | re.DOTALL
    )
    assert named is not None
    return named[1].replace("/", ".")


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_one_file_and_one_line(part: str) -> None:
    file, line = blocks_of(part)
    assert file.startswith('"""')
    assert line.count("\n") == 1
    registry = line.partition("[")[0]
    assert registry in vars(importlib.import_module(registry_of(part)))
