"""Subtests are counted by structure, not by taking names apart.

Go's `t.Run` takes any name: a slash in it makes no test around it. The events were recorded with
Go 1.26.
"""

from __future__ import annotations

import pytest

from tests.support.go_events import told

# t.Run("api/v1") fails in TestA.
SLASH = """
run p TestA
run p TestA/api/v1
fail p TestA/api/v1
fail p TestA
says p FAIL
fail p
"""
# The same, then t.Run("v1") in t.Run("api"): Go numbers what looks alike.
LOOKS_ALIKE = """
run p TestA
run p TestA/api/v1
fail p TestA/api/v1
run p TestA/api
run p TestA/api/v1#01
pass p TestA/api/v1#01
pass p TestA/api
fail p TestA
says p FAIL
fail p
"""
# t.Run("x") waits with t.Parallel while TestA starts t.Run("x/y"), which fails.
PARALLEL = """
run p TestA
run p TestA/x
pause p TestA/x
run p TestA/x/y
fail p TestA/x/y
cont p TestA/x
pass p TestA/x
fail p TestA
says p FAIL
fail p
"""
ONE_SKIPPED = """
run p TestA
run p TestA/a
pass p TestA/a
run p TestA/b
skip p TestA/b
pass p TestA
says p PASS
pass p
"""
OVER_BEFORE = """
run p TestA
run p TestA/a
pass p TestA/a
run p TestA/a/b
fail p TestA/a/b
fail p TestA
says p FAIL
fail p
"""
OWN_FAILURE = """
run p TestA
run p TestA/a/b
pass p TestA/a/b
fail p TestA
says p FAIL
fail p
"""
DEEP = """
run p TestA
run p TestA/a
run p TestA/a/b/c
fail p TestA/a/b/c
fail p TestA/a
fail p TestA
run p TestAB
pass p TestAB
says p FAIL
fail p
"""
# An empty name becomes #00, and `-count=2` runs each test twice.
TWICE = """
run p TestA
run p TestA/#00
pass p TestA/#00
pass p TestA
run p TestA
run p TestA/#00
fail p TestA/#00
fail p TestA
says p FAIL
fail p
"""
TWO_PACKAGES = """
run p TestA
run q TestA
run q TestA/a/b
fail q TestA/a/b
pass p TestA
fail q TestA
says p PASS
pass p
says q FAIL
fail q
"""


@pytest.mark.parametrize(
    ("events", "outcomes"),
    [
        (SLASH, {"p::TestA/api/v1": "failed"}),
        (LOOKS_ALIKE, {"p::TestA/api/v1": "failed", "p::TestA/api/v1#01": "passed"}),
        (PARALLEL, {"p::TestA/x/y": "failed", "p::TestA/x": "passed"}),
        (ONE_SKIPPED, {"p::TestA/a": "passed", "p::TestA/b": "skipped"}),
        (OVER_BEFORE, {"p::TestA/a": "passed", "p::TestA/a/b": "failed"}),
        (OWN_FAILURE, {"p::TestA/a/b": "passed", "p::TestA": "failed"}),
        (DEEP, {"p::TestA/a/b/c": "failed", "p::TestAB": "passed"}),
        (TWICE, {"p::TestA/#00": "passed", "p::TestA/#00 #2": "failed"}),
        (TWO_PACKAGES, {"p::TestA": "passed", "q::TestA/a/b": "failed"}),
    ],
    ids=[
        "a slash in a name",
        "a name that looks like another test's subtest",
        "beside a parallel one of the name before the slash",
        "one is skipped",
        "named like a part of one that is over",
        "the test around it fails by itself",
        "in a container of a container",
        "each of -count=2",
        "two packages at once",
    ],
)
def test_a_test_counts_once(events: str, outcomes: dict[str, str]) -> None:
    status = int("failed" in outcomes.values())
    assert told(events, status) == (outcomes, None)
