from __future__ import annotations

import pytest

from shipway.errors import FailError
from shipway.pyramid.results import LayerResult, Outcome, TestResult
from shipway.test_tools.junit_xml import parse_junit, write_junit

CASE = '<testcase classname="test_a" name="test_x" time="1.5"/>'
PASSED = TestResult(name="test_a::test_x", outcome="passed", seconds=1.5)


def parse(xml: str) -> tuple[TestResult, ...]:
    return parse_junit(xml.encode(), "results of unit")


@pytest.mark.parametrize(
    "xml",
    [
        f"<testsuite>{CASE}</testsuite>",
        f"<testsuites><testsuite>{CASE}</testsuite></testsuites>",
        f"<testsuites><testsuite><testsuite>{CASE}</testsuite></testsuite></testsuites>",
        f'<?xml version="1.0" encoding="utf-8"?>\n<testsuites><testsuite name="pytest">'
        f"<properties/>{CASE}<system-out>hello</system-out></testsuite></testsuites>",
    ],
    ids=["one suite", "suites", "a suite in a suite", "with declaration and output"],
)
def test_one_passed_test_is_found_however_the_suites_are_nested(xml: str) -> None:
    assert parse(xml) == (PASSED,)


def test_the_tests_of_all_suites_stand_in_file_order() -> None:
    found = parse(
        "<testsuites>"
        '<testsuite><testcase name="b"/></testsuite>'
        '<testsuite><testcase name="a"/><testcase name="c"/></testsuite>'
        "</testsuites>"
    )
    assert [test.name for test in found] == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("inside", "outcome", "message"),
    [
        ("", "passed", ""),
        ("<skipped/>", "skipped", ""),
        ("<failure/>", "failed", ""),
        ('<failure message="1 != 2"/>', "failed", "1 != 2"),
        ("<failure>assert 1 == 2</failure>", "failed", "assert 1 == 2"),
        ('<failure message="1 != 2">trace</failure>', "failed", "1 != 2"),
        ("<failure>first\nsecond</failure>", "failed", "first"),
        ('<error message="boom">trace</error>', "failed", "boom"),
        ('<skipped/><failure message="late"/>', "failed", "late"),
        ("<system-out>text</system-out>", "passed", ""),
    ],
)
def test_the_outcome_of_a_test_is_read_from_what_stands_in_it(
    inside: str, outcome: str, message: str
) -> None:
    (found,) = parse(f'<testsuite><testcase name="x">{inside}</testcase></testsuite>')
    assert (found.outcome, found.message) == (outcome, message)


@pytest.mark.parametrize(
    ("attributes", "name", "seconds"),
    [
        ('name="x"', "x", 0.0),
        ('classname="c" name="x"', "c::x", 0.0),
        ('classname="" name="x" time="0.25"', "x", 0.25),
        ('name="x" time="1,234.5"', "x", 1234.5),
    ],
)
def test_name_and_duration_stand_in_the_attributes(
    attributes: str, name: str, seconds: float
) -> None:
    (found,) = parse(f"<testsuite><testcase {attributes}/></testsuite>")
    assert (found.name, found.seconds) == (name, seconds)


@pytest.mark.parametrize("xml", ["<testsuites/>", "<testsuite/>", "<testsuite></testsuite>"])
def test_a_suite_without_tests_has_no_results(xml: str) -> None:
    assert parse(xml) == ()


@pytest.mark.parametrize(
    ("xml", "got"),
    [
        (b"", "no element found: line 1, column 0"),
        (b"5 passed in 0.1 s", "syntax error: line 1, column 0"),
        (b"<testsuite><testcase", "unclosed token: line 1, column 11"),
        (b"<html/>", "the root is 'html'"),
    ],
)
def test_what_is_no_junit_xml_fails_the_layer(xml: bytes, got: str) -> None:
    with pytest.raises(FailError) as caught:
        parse_junit(xml, "results of unit")
    assert str(caught.value) == (
        "The test results cannot be read.\n"
        "  where:     results of unit\n"
        "  expected:  JUnit XML\n"
        f"  got:       {got}"
    )


def test_an_unknown_encoding_fails_the_layer_too() -> None:
    with pytest.raises(FailError):
        parse_junit(b'<?xml version="1.0" encoding="nope"?><testsuite/>', "results of unit")


def test_a_layer_counts_its_tests_by_outcome_and_keeps_failures_in_order() -> None:
    tests = tuple(
        TestResult(name=name, outcome=outcome, seconds=0)
        for name, outcome in [("a", "failed"), ("b", "passed"), ("c", "failed"), ("d", "passed")]
    )
    layer = LayerResult(layer="unit", weight=70, budget_seconds=9, tests=tests, seconds=1)
    assert {one: layer.count(one) for one in ("passed", "failed", "skipped")} == {
        "passed": 2,
        "failed": 2,
        "skipped": 0,
    }
    assert [test.name for test in layer.with_outcome("failed")] == ["a", "c"]


def test_what_is_written_reads_back_the_same() -> None:
    tests = (
        TestResult(name="a.py::K::test_x[1::2]", outcome="passed", seconds=0.25, file="a.py"),
        TestResult(
            name="test_y",
            outcome="failed",
            seconds=1.5,
            message='"1" < 2 & more',
            text="trace\n<line>",
            output="said",
            file="b.py",
            line=7,
        ),
        TestResult(name="test_z", outcome="skipped", seconds=0, message="no reason"),
    )
    written = write_junit(
        [LayerResult(layer="unit", weight=70, budget_seconds=9, tests=tests, seconds=2)]
    )
    assert parse(written) == tests


@pytest.mark.parametrize(
    ("outcome", "reads_as", "message"),
    [("flaky", "passed", ""), ("quarantined", "skipped", "quarantined: Ada until 2027")],
)
def test_what_junit_has_no_word_for_stands_in_a_property(
    outcome: Outcome, reads_as: str, message: str
) -> None:
    test = TestResult(
        name="t", outcome=outcome, seconds=1, message="Ada until 2027", attempts=2, text="trace"
    )
    layer = LayerResult(layer="unit", weight=70, budget_seconds=9, tests=(test,), seconds=1)
    written = write_junit([layer])
    (found,) = parse(written)
    assert (found.outcome, found.message) == (reads_as, message)
    assert f'<property name="outcome" value="{outcome}"/>' in written
    assert '<property name="attempts" value="2"/>' in written


@pytest.mark.parametrize(
    "xml",
    ["<testcase name='a\x00b\x1f'/>", "<testcase name='a&#0;b&#x1F;'/>"],
    ids=["bytes", "references"],
)
def test_characters_that_xml_forbids_do_not_lose_the_results(xml: str) -> None:
    (found,) = parse(f"<testsuite>{xml}</testsuite>")
    assert found.name == "a?b?"
    layer = LayerResult(layer="unit", weight=70, budget_seconds=9, tests=(found,), seconds=1)
    assert parse(write_junit([layer])) == (found,)


def test_control_characters_in_a_name_can_be_written() -> None:
    test = TestResult(name="a\x00\ud800", outcome="failed", seconds=0, message="\x1b[31mred")
    layer = LayerResult(layer="unit", weight=70, budget_seconds=9, tests=(test,), seconds=1)
    (found,) = parse(write_junit([layer]))
    assert (found.name, found.message) == ("a??", "?[31mred")
