"""The folders hold what their names say."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
from pathlib import Path

import pytest
from prefect.blocks.core import Block

ROOT = Path(__file__).parents[2]
TASK_DECORATORS = {"external_task", "task"}
# What people write and read. What is built, fetched or bought stands elsewhere.
KINDS = {
    *(".py", ".typed", ".go", ".mod", ".sum", ".js", ".sh", ".toml", ".yaml", ".json"),
    *(".md", ".txt", ".in", ".png", ".css"),
}
NAMES = {
    "Caddyfile",
    "Dockerfile",
    "Dockerfile.dockerignore",
    "Jenkinsfile",
    "LICENSE",
    "Makefile",
    "VERSION",
    "example.env",
    ".dockerignore",
    ".gitignore",
    "run",
}


def modules(folder: str) -> list[str]:
    """The Python files in a folder and below it, but those that only say what a folder is."""
    files = (ROOT / folder).rglob("*.py")
    return sorted(str(file.relative_to(ROOT)) for file in files if file.name != "__init__.py")


def decorators(source: str) -> set[str]:
    """The names of the decorators of a file's functions."""
    functions = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    calls = [decorator for function in functions for decorator in function.decorator_list]
    names = [call.func if isinstance(call, ast.Call) else call for call in calls]
    return {name.id for name in names if isinstance(name, ast.Name)}


@pytest.mark.parametrize("file", modules("blocks"))
def test_every_file_of_blocks_holds_a_block(file: str) -> None:
    name = file.removesuffix(".py").replace("/", ".")
    members = vars(importlib.import_module(name)).values()
    blocks = [each for each in members if inspect.isclass(each) and issubclass(each, Block)]
    assert name in {block.__module__ for block in blocks}


@pytest.mark.parametrize("file", modules("flows/tasks"))
def test_every_file_of_tasks_holds_a_task(file: str) -> None:
    assert decorators((ROOT / file).read_text("utf-8")) & TASK_DECORATORS


@pytest.mark.parametrize(
    ("source", "holds"),
    [
        ("@external_task('a')\nasync def a(): ...", True),
        ("@task\ndef a(): ...", True),
        ("from flows.runtime.external_task import external_task\ndef a(): ...", False),
        ("class A:\n    @task\n    def a(self): ...", False),
    ],
)
def test_only_a_function_that_is_a_task_counts(source: str, holds: bool) -> None:
    assert bool(decorators(source) & TASK_DECORATORS) == holds


def test_only_known_kinds_of_files_are_kept() -> None:
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True)
    files = [Path(name) for name in listed.split("\0") if name]
    assert len(files) > len(modules("tests"))
    assert [file for file in files if file.suffix not in KINDS and file.name not in NAMES] == []


@pytest.mark.parametrize("file", modules("tests"))
def test_what_tests_share_stands_in_support(file: str) -> None:
    imported = [
        node.module or ""
        for node in ast.walk(ast.parse((ROOT / file).read_text("utf-8")))
        if isinstance(node, ast.ImportFrom)
    ]
    ours = [name for name in imported if name.startswith("tests.")]
    assert [name for name in ours if name.rpartition(".")[2].startswith("test_")] == []
