from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect.exceptions import TerminationSignal

from shipway.git.revision import Revision
from shipway.git.source_changes import Change, Changes, Commits
from shipway.image_ref import ImageRef
from shipway.pyramid.results import LayerResult, Outcome, Shard, TestResult
from shipway.reports.markdown import data_uri, escape
from shipway.reports.pyramid import pyramid_figures, pyramid_section
from shipway.reports.pyramid_svg import SPAN, draw
from shipway.reports.release import Report, render
from tests.support.mistakes import tell

AT = datetime(2026, 11, 24, tzinfo=UTC)

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DIGEST = "sha256:" + "0123456789abcdef" * 4


def layer(name: str, seconds: float, **outcomes: int) -> LayerResult:
    tests: list[TestResult] = []
    order: tuple[Outcome, ...] = ("passed", "failed", "skipped")
    for outcome in order:
        count = outcomes.get(outcome, 0)
        tests += [TestResult(name=f"t{n}", outcome=outcome, seconds=0) for n in range(count)]
    weight = {"unit": 70, "integration": 20, "e2e": 10}[name]
    shards = (Shard(tests=len(tests), test_seconds=0, seconds=seconds),)
    return LayerResult(
        layer=name,
        weight=weight,
        budget_seconds=9,
        tests=tuple(tests),
        seconds=seconds,
        shards=shards,
    )


@pytest.fixture
def report() -> Report:
    found = Report(
        app="shop",
        environment="prod",
        revision=Revision(commit=COMMIT, tree="t", author="Ada", subject="Add a basket", at=AT),
        image=ImageRef.parse(f"registry.example.org/shop@{DIGEST}"),
        commit="f" * 40,
        commit_link="[fffffff](https://git.example.org/f)",
        served="Deployment/shop: 2 of 2 run the image",
        built=1,
        pushed=1,
        committed=1,
        layers=[
            layer("unit", 2.04, passed=69, skipped=1),
            layer("integration", 4.0, passed=20),
            layer("e2e", 9.96, passed=10),
        ],
        seconds=40.04,
    )
    found.add_stage("code", 0.0, 10.0, done=True)
    found.add_stage("build", 10.0, 40.0, done=True)
    found.add_stage("unit", 10.0, 20.0, done=False)
    return found


def test_the_page_lists_what_changed_and_no_subject_breaks_it(report: Report) -> None:
    change = Change(
        commit=COMMIT, link="[`0123456`](https://x)", subject="<b>", author="Ada", request="#12"
    )
    added = Commits(newest=(change,), more=34)
    report.what_changed = Changes(before="f" * 40, added=added)
    assert (
        "\n\n## What changed\n\nNew since fffffff:\n\n"
        "- [`0123456`](https://x) \\<b\\> \\(Ada, \\#12\\)\n- and 34 more\n\n## "
    ) in render(report)


@pytest.mark.mistake
def test_a_cancelled_run_says_so_where_it_was_and_what_to_do() -> None:
    report = Report(app="shop", environment="prod")
    report.add_stage("code", 0.0, 1.0, done=True)
    report.add_stage("build", 1.0, 2.0, done=False)
    report.add_stage("unit", 1.0, 2.0, done=False)
    report.ended_by(asyncio.CancelledError())
    assert render(report).startswith("# shop ? → prod: cancelled\n")
    assert report.row()["error"] == (
        "This run was cancelled, by somebody or by the end of its worker.\n"
        "  where:     build, unit\n"
        "  untouched: registry, ops repository and cluster\n"
        "  remedy:    start it again: it goes on from what is done. What it has pushed and "
        'committed stays; `shipway rollback shop prod --reason "it fails"` leads back'
    )
    tell("a run that somebody cancels", report.row()["error"])


@pytest.mark.parametrize("stage", ["release", "deploy"])
def test_what_may_have_changed_is_not_said_to_be_untouched(stage: str) -> None:
    report = Report(app="shop", environment="prod")
    report.add_stage(stage, 0.0, 1.0, done=False)
    # What Prefect raises where the process is told to end.
    report.ended_by(TerminationSignal(15))
    assert report.error is not None
    assert "untouched" not in report.error
    assert stage in report.error


def test_an_error_without_words_is_named_by_its_type() -> None:
    report = Report(app="shop", environment="prod")
    report.ended_by(ValueError())
    assert (report.error, report.cancelled) == ("ValueError", False)


def test_what_a_run_did_is_a_sentence(report: Report) -> None:
    assert report.outcome == (
        "built, 99 tests passed, pushed, 1 commit; Deployment/shop: 2 of 2 run the image"
    )
    assert Report(app="shop", environment="prod", committed=7).outcome == "7 commits"


def test_a_run_that_had_nothing_to_do_says_so() -> None:
    assert Report(app="shop", environment="prod").outcome == "nothing to do, it was there already"


def test_the_whole_page(report: Report) -> None:
    assert render(report) == (
        "# shop 0123456 → prod: done\n"
        "\n"
        f"- **Revision** `{COMMIT}`\n"
        "- **Change** Add a basket (Ada)\n"
        "- **Image** `registry.example.org/shop`\n"
        f"- **Digest** `{DIGEST}`\n"
        "- **Ops commit** [fffffff](https://git.example.org/f)\n"
        "- **Cluster** Deployment/shop: 2 of 2 run the image\n"
        "- **This run** 1 built, 1 pushed, 1 committed, in 40.0 s\n"
        "\n"
        "## Tests\n"
        "\n"
        f"![The pyramid: target, by count, by time]({data_uri(draw(report.layers))})\n"
        "\n"
        "| Layer | Target | Tests | Passed | Skipped | Shards | Time |\n"
        "|---|---|---|---|---|---|---|\n"
        "| unit | 70 % | 70 (70 %) | 69 | 1 | 1 | 2.0 s of 9 s |\n"
        "| integration | 20 % | 20 (20 %) | 20 | 0 | 1 | 4.0 s of 9 s |\n"
        "| e2e | 10 % | 10 (10 %) | 10 | 0 | 1 | 10.0 s of 9 s **over budget** |\n"
        "\n"
        "### Skipped\n"
        "\n"
        "| Layer | Test | Why |\n"
        "|---|---|---|\n"
        "| unit | t0 |  |\n"
        "\n"
        "## Time\n"
        "\n"
        "```text\n"
        "code        ========                          10.0 s\n"
        "build               ======================    30.0 s\n"
        "unit                xxxxxxxx                  10.0 s\n"
        "```"
    )


def test_a_run_that_failed_early_shows_why_and_nothing_it_does_not_know() -> None:
    failed = Report(app="shop", environment="prod", seconds=1.0, error="Red.\n  where:     here")
    assert render(failed) == (
        "# shop ? → prod: failed\n"
        "\n"
        "```text\n"
        "Red.\n"
        "  where:     here\n"
        "```\n"
        "\n"
        "- **This run** 0 built, 0 pushed, 0 committed, in 1.0 s"
    )


def test_an_error_cannot_leave_its_frame() -> None:
    failed = Report(app="shop", environment="prod", error="Red.\n```\n# all is well")
    frame = render(failed).split("\n\n")[1]
    fence = frame.split("text\n")[0]
    assert frame.count(f"\n{fence}\n") == 0


def test_a_commit_that_was_there_before_is_called_so(report: Report) -> None:
    report.committed = 0
    link = "- **Ops commit** [fffffff](https://git.example.org/f) (already there)\n"
    assert link in render(report)


def test_what_others_wrote_is_shown_and_does_nothing(report: Report) -> None:
    revision = Revision(
        commit=COMMIT, tree="t", author="<b>Ada</b>", subject="![x](http://x)\n# *big*", at=AT
    )
    page = render(report.model_copy(update={"revision": revision}))
    assert (r"- **Change** \!\[x\]\(http://x\) \# \*big\* (\<b\>Ada\</b\>)" "\n") in page


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"])))
def test_escaping_adds_backslashes_alone(text: str) -> None:
    escaped = escape(text)
    plain = escaped.replace("\\\\", "\0").replace("\\", "").replace("\0", "\\")
    assert plain == text


@pytest.mark.parametrize("character", list("\\`*_{}[]()#+!|<>-"))
def test_every_character_that_markdown_acts_on_is_escaped(character: str) -> None:
    assert escape(f"a{character}b") == f"a\\{character}b"


def test_the_row_holds_the_same_figures(report: Report) -> None:
    assert report.row() == {
        "app": "shop",
        "environment": "prod",
        "revision": COMMIT,
        "image": f"registry.example.org/shop@{DIGEST}",
        "commit": "f" * 40,
        "served": "Deployment/shop: 2 of 2 run the image",
        "built": 1,
        "pushed": 1,
        "committed": 1,
        "tests": pyramid_figures(report.layers),
        "stages": {"code": 10.0, "build": 30.0, "unit": 10.0},
        "seconds": 40.04,
        "result": "done",
        "error": None,
    }


def test_a_row_without_facts_has_every_column() -> None:
    row = Report(app="shop", environment="prod").row()
    assert (row["revision"], row["image"], row["tests"], row["stages"]) == (None, None, {}, {})


def test_seconds_are_rounded_to_the_millisecond() -> None:
    report = Report(app="shop", environment="prod", seconds=1.23456)
    report.add_stage("code", 0.1, 0.30004, done=True)
    assert (report.row()["seconds"], report.row()["stages"]) == (1.235, {"code": 0.2})


def test_the_title_has_a_question_mark_until_the_revision_is_known(report: Report) -> None:
    assert report.title == "shop 0123456 → prod"
    assert report.model_copy(update={"revision": None}).title == "shop ? → prod"


@given(
    st.lists(st.tuples(st.floats(0, 1e4), st.floats(0, 1e4)).map(sorted), min_size=1, max_size=7)
)
def test_every_bar_is_of_one_width(spans: list[list[float]]) -> None:
    report = Report(app="shop", environment="prod")
    for begin, end in spans:
        report.add_stage("stage", begin, end, done=True)
    page = render(report)
    bars = [line[12:43] for line in page.splitlines() if line.startswith("stage ")]
    assert all(set(bar) <= {" ", "="} and "=" in bar for bar in bars)
    assert len(bars) == (len(spans) if max(end for _, end in spans) else 0)


def broken(name: str, **more: object) -> TestResult:
    return TestResult.model_validate(
        {"name": name, "outcome": "failed", "seconds": 0.5, "message": "assert 1 == 2", **more}
    )


def of(*tests: TestResult) -> LayerResult:
    return LayerResult(layer="unit", weight=100, budget_seconds=9, tests=tests, seconds=1)


def test_a_failure_shows_its_place_its_last_lines_and_how_to_run_it_alone() -> None:
    text = "\n".join(f"line {number}" for number in range(60))
    test = broken(
        "a.py::test_a", text=text, file="a.py", line=7, local_command="pytest a.py::test_a"
    )
    page = pyramid_section([of(test)])
    assert "**a.py::test\\_a** at `a.py:7`" in page
    assert "line 59\n```" in page
    assert "line 19\n" not in page
    assert "Just this one: `pytest a.py::test_a`" in page


def test_of_many_failures_the_first_are_shown_and_the_rest_is_counted() -> None:
    page = pyramid_section([of(*(broken(f"t{number}") for number in range(25)))])
    assert page.count("assert 1 == 2") == 20
    assert "And 5 more, in the JUnit XML." in page


@pytest.mark.parametrize(
    ("outcome", "title"), [("flaky", "Flaky: failed"), ("quarantined", "Quarantined: failed")]
)
def test_what_is_neither_green_nor_red_is_listed(outcome: str, title: str) -> None:
    page = pyramid_section([of(broken("t|1", outcome=outcome))])
    assert f"### {title}" in page
    assert "| unit | t\\|1 | assert 1 == 2 |" in page
    assert "### Failed" not in page


def test_what_did_not_run_says_why() -> None:
    tests = [TestResult(name=f"t{n}", outcome="passed", seconds=1, earlier=n < 2) for n in range(5)]
    resumed = of(*tests)
    page = pyramid_section([resumed, of(*tests[2:]).model_copy(update={"cached": "run-7"})])
    assert "- unit: 2 tests did not run again: they passed in a run that was killed" in page
    (line,) = (one for one in page.splitlines() if one.startswith("- unit did not run"))
    assert "it was green with the same inputs in " in line
    assert line.endswith("run-7")
    assert pyramid_figures([resumed])["unit"]["earlier"] == 2


def test_the_slowest_ten_come_in_order() -> None:
    tests = (TestResult(name=f"t{n}", outcome="passed", seconds=n) for n in range(20))
    rows = pyramid_section([of(*tests)]).partition("### Slowest")[2].splitlines()[4:]
    assert [row.split(" | ")[2].rstrip(" |") for row in rows] == [f"t{n}" for n in range(19, 9, -1)]


def test_the_machine_gets_the_same_figures_and_what_needs_attention() -> None:
    test = broken("a\x07", file="a.py", line=7, local_command="pytest a")
    slow = TestResult(name="b", outcome="passed", seconds=1.5)
    figures = pyramid_figures([of(slow, test)])["unit"]
    assert (figures["passed"], figures["failed"], figures["flaky"]) == (1, 1, 0)
    assert (figures["count_percent"], figures["time_percent"]) == (100, 100)
    assert (figures["test_seconds"], figures["budget_seconds"]) == (2.0, 9.0)
    assert figures["attention"] == [
        {
            "name": "a\\x07",
            "outcome": "failed",
            "file": "a.py",
            "line": 7,
            "message": "assert 1 == 2",
            "local_command": "pytest a",
        }
    ]


def test_the_picture_has_the_first_layer_at_the_bottom_and_bars_as_wide_as_shares() -> None:
    slow = TestResult(name="slow", outcome="passed", seconds=3)
    quick = tuple(TestResult(name=f"q{n}", outcome="passed", seconds=0.25) for n in range(4))
    layers = [
        LayerResult(layer="unit", weight=70, budget_seconds=9, tests=quick, seconds=1),
        LayerResult(layer="<e2e>", weight=30, budget_seconds=9, tests=(slow,), seconds=3),
    ]
    root = ElementTree.fromstring(draw(layers))  # noqa: S314 - our own picture
    words = [one.text for one in root.iter() if one.tag.endswith("text")]
    assert words.index("<e2e>") < words.index("unit")
    assert "80 % of tests, 25 % of time" in words
    bars = [one.attrib for one in root.iter() if one.tag.endswith("rect")][4:]
    widths = [round(float(bar["width"]) / SPAN, 2) for bar in bars]
    assert widths == [0.2, 0.75, 0.3, 0.8, 0.25, 0.7]


def test_a_run_that_waits_says_for_what_and_goes_on_with_what_it_has_come_to(
    report: Report,
) -> None:
    report.add_stage("deploy", 1, 2, done=False)
    report.suspended_by(Exception("2/2 switch waits for an approval."))
    assert (report.state, report.sentence) == ("pending", "2/2 switch waits for an approval.")
    page = render(report)
    assert page.startswith("# shop 0123456 → prod: waits\n")
    assert "2/2 switch waits for an approval." in page
    resumed = Report.model_validate_json(report.model_dump_json()).resumed()
    assert (resumed.built, resumed.pushed, resumed.layers) == (1, 1, report.layers)
    assert (resumed.state, resumed.error) == ("success", None)
    assert all(stage.done for stage in resumed.stages)
    assert render(resumed).startswith("# shop 0123456 → prod: done\n")
