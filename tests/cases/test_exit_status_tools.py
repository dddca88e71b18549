"""An exit status that the tests do not explain is red.

The events of Go were recorded with Go 1.26, except where a signal ended it.
"""

from __future__ import annotations

import pytest

from shipway.errors import FailError
from shipway.test_tools.junit import Junit
from shipway.test_tools.tool import Ended
from tests.support.go_events import told

ONE_FAILED = """
run p TestA
fail p TestA
run p TestB
pass p TestB
says p FAIL
fail p
"""
PASSED = """
run p TestA
pass p TestA
says p PASS
pass p
"""
# The rest of the package never ran.
PANIC = """
run p TestA
fail p TestA
run p TestB
TestB p panic: boom
fail p TestB
says p FAIL	p	0.006s
fail p
"""
TIMEOUT = """
run p TestA
fail p TestA
run p TestB
TestB p panic: test timed out after 1s
says p FAIL	p	1.010s
fail p
"""
PANIC_IN_TEST_MAIN = """
run p TestA
fail p TestA
says p FAIL
says p panic: no database to close
says p FAIL	p	0.004s
fail p
"""
PANIC_AFTER_PASSED = """
run p TestA
pass p TestA
says p PASS
says p panic: no database to close
says p FAIL	p	0.004s
fail p
"""
KILLED = """
run p TestA
fail p TestA
says p signal: killed
says p FAIL	p	0.004s
fail p
"""
# A test that calls syscall.Exit(0): for Go its package has passed.
EXIT_0 = """
run p TestA
pass p TestA
run p TestB
says p ok  	p	0.004s
pass p
"""
BUILD = """
run p TestA
fail p TestA
says p FAIL
fail p
says q FAIL	q [build failed]
fail q
"""
ENDED_EARLY = """
run p TestA
fail p TestA
says p FAIL
fail p
start q
run q TestB
"""


@pytest.mark.parametrize(
    ("events", "failed"),
    [
        (PANIC, ["p", "p::TestA", "p::TestB"]),
        (TIMEOUT, ["p", "p::TestA", "p::TestB"]),
        (PANIC_IN_TEST_MAIN, ["p", "p::TestA"]),
        (PANIC_AFTER_PASSED, ["p"]),
        (KILLED, ["p", "p::TestA"]),
        (EXIT_0, ["p", "p::TestB"]),
        (BUILD, ["p::TestA", "q"]),
    ],
    ids=[
        "a panic",
        "a timeout",
        "a panic after a failed test",
        "a panic after passed tests",
        "a signal",
        "an exit with 0",
        "a package that does not build",
    ],
)
def test_a_package_that_its_tests_do_not_explain_is_red(events: str, failed: list[str]) -> None:
    outcomes, _ = told(events, 1)
    assert sorted(name for name, outcome in outcomes.items() if outcome == "failed") == failed


@pytest.mark.parametrize(
    ("events", "status"),
    [
        (ONE_FAILED, 2),
        (ONE_FAILED, 137),
        (ONE_FAILED, 0),
        (PASSED, 1),
        (PASSED, 143),
        (ENDED_EARLY, 1),
        (EXIT_0, 0),
    ],
)
def test_a_status_of_go_that_no_test_explains_is_red(events: str, status: int) -> None:
    _, error = told(events, status)
    assert error is not None
    assert f"exit status {status}" in str(error.facts["got"])
    assert "the last words" in str(error.facts["got"])


@pytest.mark.parametrize(("events", "status"), [(ONE_FAILED, 1), (PASSED, 0), (BUILD, 1)])
def test_a_status_of_go_that_tests_explain_is_theirs(events: str, status: int) -> None:
    _, error = told(events, status)
    assert error is None


def ended(status: int, failed: int) -> None:
    """Read the results of a passed test and of some that failed."""
    cases = '<testcase name="a"/>' + "".join(
        f'<testcase name="f{number}"><failure/></testcase>' for number in range(failed)
    )
    xml = f"<testsuite>{cases}</testsuite>".encode()
    Junit(["tool"], None, []).reader().finish(Ended(status=status, results=xml), "the last words")


@pytest.mark.parametrize(
    ("status", "failed"),
    [(0, 1), (1, 0), (2, 1), (3, 2), (134, 1), (137, 1), (139, 1), (143, 0), (137, 137)],
)
def test_a_status_that_no_test_in_junit_xml_explains_is_red(status: int, failed: int) -> None:
    with pytest.raises(FailError) as caught:
        ended(status, failed)
    assert f"exit status {status}" in str(caught.value.facts["got"])
    assert "the last words" in str(caught.value.facts["got"])


# Mocha and Robot Framework end with the number of failed tests.
@pytest.mark.parametrize(("status", "failed"), [(0, 0), (1, 1), (1, 5), (3, 3)])
def test_a_status_that_tests_in_junit_xml_explain_is_theirs(status: int, failed: int) -> None:
    ended(status, failed)
