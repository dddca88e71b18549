"""A coverage threshold is judged on a run of all tests of a layer, or refused.

pytest-cov registers itself as `_cov`; its options have the threshold, from the command or from
coverage's configuration. It judges in every process of pytest.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from shipway.config.pipeline import Layer
from shipway.errors import FailError
from shipway.pyramid.plan import Plan
from shipway.pyramid.results import TestResult
from shipway.test_tools.pytest import Pytest
from tests.support.environments import process_environment

TESTS = "def test_a(): pass\ndef test_b(): pass\n"
# As pytest-cov 7.1: the total here is the share of the two tests that ran.
COV = """
import pytest
from types import SimpleNamespace
class Cov:
    def __init__(self, threshold):
        self.options = SimpleNamespace(cov_fail_under=threshold)
    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session):
        done = yield
        threshold = self.options.cov_fail_under
        if threshold is not None and threshold > 50 * len(session.items):
            session.testsfailed += 1
            print("Coverage failure")
        return done
def pytest_configure(config):
    config.pluginmanager.register(Cov({threshold}), "_cov")
"""


async def run(folder: Path, threshold: float | None, plan: Plan) -> list[str]:
    """The tests that ran."""
    (folder / "test_a.py").write_text(TESTS)
    (folder / "conftest.py").write_text(COV.format(threshold=threshold))
    tool = Pytest([sys.executable, "-m", "pytest", "-p", "no:cacheprovider"])
    reader, tests, lines = tool.reader(), list[TestResult](), list[str]()

    def output(chunk: bytes) -> None:
        for event in reader.feed(chunk):
            if isinstance(event, TestResult):
                tests.append(event)
            elif isinstance(event, str):
                lines.append(event)

    async with process_environment(folder, {}) as environment:
        invocation = tool.invocation(plan, environment.folder, environment.env)
        assert invocation is not None
        ended = await environment.run(invocation, output)
    reader.finish(ended, "\n".join(lines))
    return [test.name.rpartition("::")[2] for test in tests]


A, B = "test_a.py::test_a", "test_a.py::test_b"


@pytest.mark.parametrize(
    ("threshold", "plan", "ran"),
    [
        (90, Plan(), ["test_a", "test_b"]),
        (90, Plan(only=(A,)), ["test_a"]),
        (100, Plan(only=(B,)), ["test_b"]),
        # What was green in a run that was cut off counts for the threshold too.
        (90, Plan(done=(A,)), ["test_a", "test_b"]),
        (0, Plan(done=(A,)), ["test_b"]),
        (None, Plan(done=(A,)), ["test_b"]),
        (0, Plan(shards=2), ["test_a"]),
        (None, Plan(shards=2, shard=1), ["test_b"]),
    ],
)
async def test_a_part_of_the_tests_is_not_judged(
    tmp_path: Path, threshold: float | None, plan: Plan, ran: list[str]
) -> None:
    assert await run(tmp_path, threshold, plan) == ran


@pytest.mark.parametrize("threshold", [1, 40, 90.5])
async def test_shards_refuse_a_threshold_before_a_test_runs(
    tmp_path: Path, threshold: float
) -> None:
    (tmp_path / "test_ran.py").write_text("open('ran', 'w')\n")
    with pytest.raises(FailError) as caught:
        await run(tmp_path, threshold, Plan(shards=2))
    assert "shards: 1" in str(caught.value.facts["got"])
    assert not (tmp_path / "ran").exists()


async def test_a_threshold_that_all_tests_do_not_reach_is_red(tmp_path: Path) -> None:
    with pytest.raises(FailError, match="no test explains"):
        await run(tmp_path, 101, Plan())


@pytest.mark.parametrize(
    "layer",
    [
        {"command": ["pytest", "--cov", "--cov-fail-under=90"], "shards": 2},
        {"command": ["pytest", "--cov", "--cov-fail-under", "90"], "shards": 8},
        {"command": ["pytest", "--cov-fail-under=90"]},
        {"command": ["sh", "-c", "pytest --cov --cov-fail-under=90"], "shards": "auto"},
    ],
)
def test_a_command_with_a_threshold_needs_one_shard(layer: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="shards: 1"):
        Layer.model_validate(layer)
    Layer.model_validate({**layer, "shards": 1, "retries": 2})
