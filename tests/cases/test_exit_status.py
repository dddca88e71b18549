"""An exit status that the tests do not explain is red.

pytest-cov ends with status 1 below --cov-fail-under although every test passed. Plugins and hooks
set the status themselves. Two items of a collector may share a node id.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.test_tools.pytest import Pytest
from tests.support.pytest_suites import Suite, run

PASSES = "def test_a(): pass\n"
FAILS = "def test_a(): pass\ndef test_b(): assert 0\n"
# What pytest-cov does where the total is below its threshold.
THRESHOLD = """
import pytest
@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session):
    done = yield
    session.testsfailed += 1
    print("FAIL Required test coverage of 90% not reached. Total coverage: 50.00%")
    return done
"""
STATUS = """
import pytest
@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session):
    session.exitstatus = {status}
"""
AT_EXIT = """
import atexit, os
atexit.register(os._exit, {status})
"""
# A collector of others' files: each line is a test, and two of them may have one name.
LINES = """
import pytest
def pytest_collect_file(parent, file_path):
    if file_path.suffix == ".case":
        return Cases.from_parent(parent, path=file_path)
class Cases(pytest.File):
    def collect(self):
        for line in self.path.read_text().split():
            name, _, value = line.partition("=")
            yield Case.from_parent(self, name=name, value=value)
class Case(pytest.Item):
    def __init__(self, *, value, **more):
        super().__init__(**more)
        self.value = value
    def runtest(self):
        assert self.value == "ok"
"""


@pytest.mark.parametrize(
    "suite",
    [
        {"test_a.py": PASSES, "conftest.py": THRESHOLD},
        {"test_a.py": FAILS, "conftest.py": THRESHOLD},
        {"test_a.py": PASSES, "conftest.py": STATUS.format(status=1)},
        {"test_a.py": PASSES, "conftest.py": STATUS.format(status=6)},
        {"test_a.py": PASSES, "conftest.py": STATUS.format(status=2)},
        {"test_a.py": PASSES, "conftest.py": AT_EXIT.format(status=1)},
        {"test_a.py": PASSES, "conftest.py": AT_EXIT.format(status=3)},
    ],
    ids=[
        "a threshold",
        "a threshold beside a failed test",
        "a hook's 1",
        "a hook's 6",
        "a hook's 2",
        "1 after pytest's end",
        "3 after pytest's end",
    ],
)
async def test_a_status_that_no_test_explains_is_red(tmp_path: Path, suite: Suite) -> None:
    _, error = await run(tmp_path, suite)
    assert error is not None
    assert "the last words" in str(error.facts["got"])


@pytest.mark.parametrize(
    ("suite", "outcomes"),
    [
        ({"test_a.py": PASSES}, ["passed"]),
        ({"test_a.py": FAILS}, ["passed", "failed"]),
        ({"test_a.py": "import nothing_of_that_name\n"}, ["failed"]),
        ({"test_a.py": PASSES + "import pytest\npytest.fail('at import')\n"}, ["failed"]),
        (
            {
                "test_a.py": "import pytest\n@pytest.fixture\ndef broken():\n    yield\n"
                "    assert 0, 'teardown'\ndef test_a(broken): assert 0\n"
            },
            ["failed"],
        ),
    ],
    ids=["green", "red", "no import", "fails at import", "fails twice"],
)
async def test_a_status_that_tests_explain_is_theirs(
    tmp_path: Path, suite: Suite, outcomes: list[str]
) -> None:
    tests, error = await run(tmp_path, suite)
    assert [test.outcome for test in tests] == outcomes
    assert error is None or "no test explains" not in error.what


@pytest.mark.parametrize(
    ("lines", "outcomes"),
    [
        ("login=ok\nlogin=bad\n", ["passed", "failed"]),
        ("login=bad\nlogin=ok\n", ["failed", "passed"]),
        ("login=ok\nlogin=ok\nlogin=bad\n", ["passed", "passed", "failed"]),
        ("login=bad\nlogin=bad\n", ["failed", "failed"]),
        ("login=ok\nother=ok\nlogin=ok\n", ["passed", "passed", "passed"]),
    ],
)
async def test_items_with_one_node_id_count_each(
    tmp_path: Path, lines: str, outcomes: list[str]
) -> None:
    tests, error = await run(tmp_path, {"a.case": lines, "conftest.py": LINES})
    assert [test.outcome for test in tests] == outcomes
    assert len({test.name for test in tests}) == len(tests)
    assert error is None
    tool = Pytest(["pytest"])
    assert {tool.unit_of(test) for test in tests} <= {"a.case::login", "a.case::other"}
