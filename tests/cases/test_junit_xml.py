"""JUnit XML that is not as expected is never taken for passed."""

from __future__ import annotations

import pytest

from shipway.errors import FailError
from shipway.test_tools.junit_xml import parse_junit

FLAKY = '<testsuite><testcase name="a"><{0} message="boom"><stackTrace>t</stackTrace></{0}>'
FLAKY += "</testcase></testsuite>"
TIMED = '<testsuite><testcase name="a" time="{}"/><testcase name="b"><failure message="real"/>'
TIMED += "</testcase></testsuite>"
STATUS = '<testsuite><testcase name="DISABLED_a" status="{}" time="0"/></testsuite>'
SUITE = '<testsuites><testsuite name="ok"><testcase name="a"/></testsuite>{}</testsuites>'


def outcomes(xml: str | bytes) -> list[str]:
    content = xml if isinstance(xml, bytes) else xml.encode()
    return [test.outcome for test in parse_junit(content, "junit.xml")]


@pytest.mark.parametrize("element", ["flakyFailure", "flakyError", "rerunFailure", "rerunError"])
def test_a_test_that_failed_and_then_passed_is_flaky(element: str) -> None:
    assert outcomes(FLAKY.format(element)) == ["flaky"]


def test_a_test_that_failed_every_time_is_red() -> None:
    xml = '<testsuite><testcase name="a"><failure/><rerunFailure/></testcase></testsuite>'
    assert outcomes(xml) == ["failed"]


@pytest.mark.parametrize("status", ["notrun", "NOTRUN", "disabled", "skipped", "ignored"])
def test_a_test_that_was_left_out_is_skipped(status: str) -> None:
    assert outcomes(STATUS.format(status)) == ["skipped"]


@pytest.mark.parametrize("status", ["run", "passed", ""])
def test_a_status_of_a_test_that_ran_says_nothing(status: str) -> None:
    assert outcomes(STATUS.format(status)) == ["passed"]


@pytest.mark.parametrize(
    "time",
    ["75.350s", "0,160", "NaN", "nan", "inf", "-Infinity", "-1", "", "1,234", "12 ms", "0:01.5"],
)
def test_a_time_that_cannot_be_read_hides_no_failure(time: str) -> None:
    tests = parse_junit(TIMED.format(time).encode(), "junit.xml")
    assert [test.outcome for test in tests] == ["passed", "failed"]
    assert [test.seconds for test in tests] == [0.0, 0.0]
    assert tests[1].message == "real"


@pytest.mark.parametrize("time", ["0.25", " 0.25 ", "2.5e-1", "1,234.5"])
def test_a_time_that_can_be_read_counts(time: str) -> None:
    (test, _) = parse_junit(TIMED.format(time).encode(), "junit.xml")
    assert test.seconds in {0.25, 1234.5}


@pytest.mark.parametrize(
    "suite",
    [
        '<testsuite name="bad" errors="1"><error message="cannot load">trace</error></testsuite>',
        '<testsuite name="bad" failures="1"><failure message="cannot load"/></testsuite>',
        '<testsuite name="bad"><testsuite><error message="cannot load"/></testsuite></testsuite>',
        '<testsuite name="bad"><testcase name="b"/><error message="cannot load"/></testsuite>',
        "<testsuite><error>cannot load\nmore</error></testsuite>",
    ],
)
def test_a_suite_that_fails_by_itself_is_red(suite: str) -> None:
    tests = parse_junit(SUITE.format(suite).encode(), "junit.xml")
    assert [test.message for test in tests if test.outcome == "failed"] == ["cannot load"]


@pytest.mark.parametrize(
    "xml",
    [
        '<testsuites xmlns="http://example.org/junit"><testsuite><testcase name="a"/></testsuite>'
        "</testsuites>",
        '<j:testsuite xmlns:j="urn:j"><j:testcase name="a"/></j:testsuite>',
        '<?xml version="1.0" encoding="utf-16"?><testsuite><testcase name="a"/></testsuite>'.encode(
            "utf-16"
        ),
        b"\xfe\xff" + '<testsuite><testcase name="a"/></testsuite>'.encode("utf-16-be"),
        '<?xml version="1.0" encoding="iso-8859-1"?><testsuite><testcase/></testsuite>'.encode(
            "iso-8859-1"
        ),
        "\ufeff<testsuite><testcase name='a'/></testsuite>".encode(),
    ],
    ids=[
        "a namespace",
        "a prefix",
        "UTF-16",
        "UTF-16BE",
        "Latin-1",
        "UTF-8 with a mark",
    ],
)
def test_encodings_and_namespaces_are_read(xml: str | bytes) -> None:
    assert outcomes(xml) == ["passed"]


@pytest.mark.parametrize("xml", ["", "<html/>", "<testsuite>", "{}", "<suite><testcase/></suite>"])
def test_what_is_no_junit_xml_is_red(xml: str) -> None:
    with pytest.raises(FailError, match="cannot be read"):
        outcomes(xml)
