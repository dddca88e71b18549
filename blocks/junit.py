"""Test results as JUnit XML, the one format every test tool can write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Literal

from junitparser import Error, Failure, JUnitXml, JUnitXmlError, Skipped, TestCase, TestSuite
from pydantic import BaseModel, ConfigDict

from blocks.errors import Fail

Outcome = Literal["passed", "failed", "skipped"]


class TestResult(BaseModel):
    """One test: its name, its outcome, its duration in seconds, and why it failed."""

    __test__ = False
    model_config = ConfigDict(frozen=True)

    name: str
    outcome: Outcome
    seconds: float
    message: str = ""


class LayerResult(BaseModel):
    """What a layer of the pyramid came to."""

    model_config = ConfigDict(frozen=True)

    layer: str
    tests: tuple[TestResult, ...]
    seconds: float

    def count(self, outcome: Outcome) -> int:
        """How many tests ended so."""
        return Counter(test.outcome for test in self.tests)[outcome]

    @property
    def failures(self) -> tuple[TestResult, ...]:
        """The tests that failed, in the order they ran."""
        return tuple(test for test in self.tests if test.outcome == "failed")


def parse_junit(xml: bytes, where: str) -> tuple[TestResult, ...]:
    """Read JUnit XML with one or many suites.

    Raises:
        Fail: It is not JUnit XML. A layer whose results cannot be read has not passed.
    """
    try:
        root = JUnitXml.fromstring(xml)
        suites = [root] if isinstance(root, TestSuite) else list(root)
        return tuple(result for suite in suites for result in _results(suite))
    except (JUnitXmlError, SyntaxError, ValueError, LookupError) as error:
        raise Fail(
            "The test results cannot be read.", where=where, expected="JUnit XML", got=str(error)
        ) from error


def _results(suite: TestSuite) -> Iterator[TestResult]:
    for entry in suite:
        if isinstance(entry, TestSuite):
            yield from _results(entry)
        else:
            yield _result(entry)


def _result(case: TestCase) -> TestResult:
    name = "::".join(part for part in (case.classname, case.name) if part)
    for entry in case.result:
        if isinstance(entry, Failure | Error):
            detail = "\n".join(part for part in (entry.message, entry.text) if part)
            return TestResult(name=name, outcome="failed", seconds=case.time or 0.0, message=detail)
    outcome: Outcome = "skipped" if any(isinstance(e, Skipped) for e in case.result) else "passed"
    return TestResult(name=name, outcome=outcome, seconds=case.time or 0.0)
