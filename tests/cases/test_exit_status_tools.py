"""An exit status that the tests do not explain is red.

The events of Go were recorded with Go 1.26, except where a signal ended it.
"""

from __future__ import annotations

import pytest

from shipway.errors import FailError
from shipway.test_tools.junit import Junit
from shipway.test_tools.tool import Ended
from tests.support.go_events import told

A_PASSED = "run p TestA\npass p TestA\n"
A_FAILED = "run p TestA\nfail p TestA\n"
RED = "says p FAIL\tp\t0.004s\nfail p\n"
PANIC_AT_THE_END = f"says p panic: no database to close\n{RED}"

ONE_FAILED = f"{A_FAILED}run p TestB\npass p TestB\nsays p FAIL\nfail p\n"
PASSED = f"{A_PASSED}says p PASS\npass p\n"
# The rest of the package never ran.
PANIC = f"{A_FAILED}run p TestB\nTestB p panic: boom\nfail p TestB\n{RED}"
TIMEOUT = f"{A_FAILED}run p TestB\nTestB p panic: test timed out after 1s\n{RED}"
PANIC_IN_TEST_MAIN = f"{A_FAILED}says p FAIL\n{PANIC_AT_THE_END}"
PANIC_AFTER_PASSED = f"{A_PASSED}says p PASS\n{PANIC_AT_THE_END}"
KILLED = f"{A_FAILED}says p signal: killed\n{RED}"
# A test that calls syscall.Exit(0): for Go its package has passed.
EXIT_0 = f"{A_PASSED}run p TestB\nsays p ok  \tp\t0.004s\npass p\n"
BUILD = f"{A_FAILED}says p FAIL\nfail p\nsays q FAIL\tq [build failed]\nfail q\n"
ENDED_EARLY = f"{A_FAILED}says p FAIL\nfail p\nstart q\nrun q TestB\n"


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
    told = Ended(status=status, results={"junit.xml": xml})
    Junit(["tool"], None, []).reader().finish(told, "the last words")


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
