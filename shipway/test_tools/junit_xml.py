"""JUnit XML, the one format that every test tool can write and every CI can read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from math import isfinite
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

from junitparser import Error, Failure, JUnitXmlError, Skipped, TestCase

from shipway.errors import FailError
from shipway.pyramid.results import LayerResult, Outcome, TestResult

# What XML 1.0 cannot hold; tools write it all the same when a test prints it.
FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
FORBIDDEN_BYTES = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f]"
    rb"|&#0*(?:[0-8]|1[124-9]|2\d|3[01]);|&#x0*(?:[0-8bce]|1[0-9a-f]);",
    re.IGNORECASE,
)
SUITES = frozenset({"testsuites", "testsuite"})
DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
# How Maven's Surefire writes a test that failed and then passed.
FLAKY = frozenset({"flakyFailure", "flakyError", "rerunFailure", "rerunError"})
# Thousands in groups; "0,160" and "1,234" may mean either.
GROUPED = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+\.\d+")
# How GoogleTest and others write a test that they left out.
NOT_RUN = frozenset({"notrun", "disabled", "skipped", "ignored"})


def parse_junit(xml: bytes, where: str) -> tuple[TestResult, ...]:
    """Read JUnit XML with one or many suites; characters that XML forbids become `?`.

    Raises:
        FailError: It is not JUnit XML. A layer whose results cannot be read has not passed.
    """
    try:
        root = _plain(ElementTree.fromstring(FORBIDDEN_BYTES.sub(b"?", _utf8(xml))))  # noqa: S314
        if root.tag not in SUITES:
            raise JUnitXmlError(f"the root is {root.tag!r}")
        # Node's test runner has tests beside its suites.
        cases = (TestCase.fromelem(element) for element in root.iter("testcase"))
        return (*_suite_failures(root), *(_result(case) for case in cases if case is not None))
    except (JUnitXmlError, SyntaxError, ValueError, LookupError) as error:
        raise FailError(
            "The test results cannot be read.", where=where, expected="JUnit XML", got=str(error)
        ) from error


def write_junit(layers: Iterable[LayerResult]) -> str:
    """One JUnit XML file of all layers: a suite a layer, flaky and quarantined as properties."""
    suites = "".join(_suite(layer) for layer in layers)
    return f'<?xml version="1.0" encoding="utf-8"?>\n<testsuites>\n{suites}</testsuites>\n'


def _utf8(xml: bytes) -> bytes:
    """The same text in UTF-8, where it begins with the mark of another encoding."""
    if not xml.startswith((b"\xff\xfe", b"\xfe\xff")):
        return xml
    return DECLARATION.sub("", xml.decode("utf-16")).encode("utf-8", "replace")


def _plain(root: Element) -> Element:
    """The elements without their namespace, which says nothing here."""
    for element in root.iter():
        element.tag = str(element.tag).rpartition("}")[2]
    return root


def _suite_failures(root: Element) -> Iterator[TestResult]:
    """The suites that failed by themselves, such as one whose module does not load."""
    for suite in root.iter():
        fault = next((child for child in suite if child.tag in {"error", "failure"}), None)
        if suite.tag not in SUITES or fault is None:
            continue
        text = fault.text or ""
        yield TestResult(
            name=suite.get("name") or "the suite",
            outcome="failed",
            seconds=0.0,
            message=fault.get("message") or text.strip().partition("\n")[0],
            text=text,
            file=suite.get("file", ""),
        )


def _seconds(time: str) -> float:
    """What a test took; 0 where its tool writes something else than a number of seconds."""
    try:
        seconds = float(time.replace(",", "") if GROUPED.fullmatch(time) else time)
    except ValueError:
        return 0.0
    return seconds if isfinite(seconds) and seconds > 0 else 0.0


def _without_result(case: Element) -> Outcome:
    """What a test came to that has neither failed nor been skipped."""
    if any(child.tag in FLAKY for child in case):
        return "flaky"
    return "skipped" if case.get("status", "").lower() in NOT_RUN else "passed"


def _result(case: TestCase) -> TestResult:
    attributes: dict[str, str] = case._elem.attrib  # pyright: ignore[reportPrivateUsage]
    outcome = _without_result(case._elem)  # pyright: ignore[reportPrivateUsage]
    message = text = ""
    for entry in case.result:
        if isinstance(entry, Failure | Error):
            outcome, message, text = "failed", entry.message or "", entry.text or ""
            break
        if isinstance(entry, Skipped):
            outcome, message = "skipped", entry.message or ""
            if entry.type == "todo":
                # It may fail: its tool calls that a success.
                break
    line = attributes.get("line", "")
    return TestResult(
        name="::".join(part for part in (case.classname, case.name) if part),
        outcome=outcome,
        seconds=_seconds(attributes.get("time", "")),
        message=message or text.strip().partition("\n")[0],
        text=text,
        output="\n".join(part for part in (case.system_out, case.system_err) if part),
        file=attributes.get("file", ""),
        line=int(line) if line.isdecimal() else 0,
    )


def _suite(layer: LayerResult) -> str:
    head = {
        "name": layer.layer,
        "tests": len(layer.tests),
        "failures": layer.count("failed"),
        "errors": 0,
        "skipped": layer.count("skipped") + layer.count("quarantined"),
        "time": f"{layer.seconds:.3f}",
    }
    cases = "".join(_case(test) for test in layer.tests)
    return f"<testsuite{_attributes(head)}>\n{cases}</testsuite>\n"


def _case(test: TestResult) -> str:
    base, bracket, parameters = test.name.partition("[")
    group, _, name = base.rpartition("::")
    seconds = f"{test.seconds:.6f}"
    head = {"classname": group, "name": name + bracket + parameters, "time": seconds}
    if test.file:
        head |= {"file": test.file, "line": str(test.line)}
    inside = ""
    if test.outcome in {"flaky", "quarantined"} or test.attempts > 1:
        facts = {"outcome": test.outcome, "attempts": str(test.attempts)}
        rows = "".join(
            f"<property{_attributes({'name': k, 'value': v})}/>" for k, v in facts.items()
        )
        inside += f"<properties>{rows}</properties>"
    if test.outcome == "failed":
        message = _attributes({"message": test.message})
        inside += f"<failure{message}>{escape(_clean(test.text))}</failure>"
    elif test.outcome == "quarantined":
        inside += f"<skipped{_attributes({'message': f'quarantined: {test.message}'})}/>"
    elif test.outcome == "skipped":
        inside += f"<skipped{_attributes({'message': test.message})}/>"
    if test.output:
        inside += f"<system-out>{escape(_clean(test.output))}</system-out>"
    return f"<testcase{_attributes(head)}>{inside}</testcase>\n"


def _attributes(values: dict[str, str] | dict[str, str | int]) -> str:
    return "".join(f" {name}={quoteattr(_clean(str(value)))}" for name, value in values.items())


def _clean(text: str) -> str:
    return FORBIDDEN.sub("?", text)
