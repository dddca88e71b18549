"""A results file of another invocation never counts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from shipway.config.pipeline import Layer
from shipway.errors import FailError
from shipway.pyramid.plan import Plan
from shipway.runners.results import OutputWithResults
from shipway.test_tools.junit import Junit
from shipway.test_tools.tool import Invocation
from tests.support.environments import process_environment

GREEN = '<testsuite><testcase name="old"/></testsuite>'
NEW = "echo '<testsuite><testcase name=\"new\"/></testsuite>' >"


async def names(folder: Path, command: str, path: str | None) -> list[str]:
    """The tests that a command's results name."""
    tool = Junit(["sh", "-c", command], path, [])
    async with process_environment(folder, {}) as environment:
        invocation = tool.invocation(Plan(), environment.folder, environment.env)
        assert invocation is not None
        ended = await environment.run(invocation, lambda _: None)
    return [test.name for test in tool.reader().finish(ended, "the last words")]


@pytest.mark.parametrize("path", ["junit.xml", "build/results/junit.xml"])
@pytest.mark.parametrize("command", ["true", "exit 1", "cd / && true"])
async def test_an_old_file_is_no_result(tmp_path: Path, command: str, path: str) -> None:
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(GREEN)
    with pytest.raises(FailError, match="left no results"):
        await names(tmp_path, command, path)


async def test_a_link_to_an_old_file_is_no_result(tmp_path: Path) -> None:
    (tmp_path / "old.xml").write_text(GREEN)
    (tmp_path / "junit.xml").symlink_to("old.xml")
    with pytest.raises(FailError, match="left no results"):
        await names(tmp_path, "true", "junit.xml")
    assert (tmp_path / "old.xml").read_text() == GREEN


async def test_each_invocation_has_a_file_of_its_own(tmp_path: Path) -> None:
    assert await names(tmp_path, f"{NEW} junit.xml", "junit.xml") == ["new"]
    with pytest.raises(FailError, match="left no results"):
        await names(tmp_path, "true", "junit.xml")


@pytest.mark.parametrize(
    ("command", "results"),
    [
        ("true", False),
        ("exit 3", False),
        ('printf x >"$0"', True),
        ('printf x >"$0"; exit 1', True),
    ],
)
def test_in_a_pod_an_old_file_is_no_result(tmp_path: Path, command: str, results: bool) -> None:
    file = tmp_path / "junit.xml"
    file.write_text(GREEN)
    words = ["sh", "-c", command, str(file)]
    log = OutputWithResults(Invocation(command=words, env={}, results=str(file)), lambda _: None)
    ended = subprocess.run(log.invocation.command, stdout=subprocess.PIPE, check=False)
    log.feed(ended.stdout)
    assert ended.returncode == int(command.rpartition("exit ")[2] if "exit" in command else 0)
    assert log.ended(ended.returncode).results == ({str(file): b"x"} if results else {})


@pytest.mark.parametrize("more", [{}, {"shards": 2}, {"shards": 1, "retries": 1}, {"retries": 2}])
def test_two_processes_never_write_one_file(more: dict[str, int]) -> None:
    keys = {"runner": "process", "command": ["t", "{files}"], "files": "*.t", "junit": "a.xml"}
    with pytest.raises(ValueError, match=r"\$SHIPWAY_JUNIT"):
        Layer.model_validate({**keys, **more})


@pytest.mark.parametrize(
    "more",
    [
        {"command": ["t"], "junit": "a.xml"},
        {"command": ["t", "{files}"], "files": "*.t", "junit": "a.xml", "shards": 1},
        {"command": ["t", "{files}"], "files": "*.t", "shards": 2, "retries": 1},
    ],
)
def test_a_process_may_write_a_file_of_its_own(more: dict[str, object]) -> None:
    Layer.model_validate({"runner": "process", **more})
