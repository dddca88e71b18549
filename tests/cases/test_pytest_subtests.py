"""Subtests are counted by structure, not by taking names apart.

pytest has subtests of its own since version 9, and had them from pytest-subtests before; unittest
has them as `subTest`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.pytest_suites import run

UNITTEST = """
import unittest
class T(unittest.TestCase):
    def test_a(self):
        for i in range(3):
            with self.subTest("part", i=i):
                {inside}
        {after}
"""
PYTEST = """
import pytest
def test_a(subtests):
    for i in range(3):
        with subtests.test("part", i=i):
            {inside}
    {after}
"""
TEARDOWN = """
import pytest
@pytest.fixture
def broken():
    yield
    assert 0, "teardown"
"""


@pytest.mark.parametrize(
    ("suite", "outcome", "message"),
    [
        (UNITTEST.format(inside="i == 1 and self.skipTest('no')", after=""), "passed", ""),
        (UNITTEST.format(inside="assert i != 1", after=""), "failed", "[part] (i=1): assert"),
        (UNITTEST.format(inside="pass", after="self.skipTest('all')"), "skipped", "all"),
        (PYTEST.format(inside="i == 1 and pytest.skip('no')", after=""), "passed", ""),
        (PYTEST.format(inside="pytest.skip('no')", after=""), "passed", ""),
        (PYTEST.format(inside="i == 1 and pytest.xfail('no')", after=""), "passed", ""),
        (PYTEST.format(inside="assert i != 1", after=""), "failed", "[part] (i=1): assert"),
        (PYTEST.format(inside="assert i == 1", after="assert 0"), "failed", "[part] (i=0): assert"),
        (PYTEST.format(inside="assert i", after="pytest.skip()"), "failed", "[part] (i=0): assert"),
        (PYTEST.format(inside="pass", after="pytest.skip('all')"), "skipped", "all"),
        (PYTEST.format(inside="pass", after="assert 0, 'own'"), "failed", "own"),
        (
            TEARDOWN + PYTEST.format(inside="pass", after="").replace("(sub", "(broken, sub"),
            "failed",
            "teardown",
        ),
    ],
    ids=[
        "unittest: one is skipped",
        "unittest: one fails",
        "unittest: the test is skipped",
        "one is skipped",
        "all are skipped",
        "one is expected to fail",
        "one fails",
        "two fail, and the test",
        "one fails, the test is skipped",
        "the test is skipped",
        "the test fails",
        "its fixture fails",
    ],
)
async def test_a_test_with_subtests_counts_once(
    tmp_path: Path, suite: str, outcome: str, message: str
) -> None:
    ((test,), error) = await run(tmp_path, {"test_a.py": suite})
    assert error is None
    assert test.outcome == outcome
    assert message in test.message.partition("\n")[0]
