from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.junit import LayerResult, Outcome, TestResult
from blocks.source_repository import Revision
from flows.tasks.report import Report, escape, render

AT = datetime(2026, 11, 24, tzinfo=UTC)

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DIGEST = "sha256:" + "0123456789abcdef" * 4


def layer(name: str, seconds: float, **outcomes: int) -> LayerResult:
    tests: list[TestResult] = []
    order: tuple[Outcome, ...] = ("passed", "failed", "skipped")
    for outcome in order:
        count = outcomes.get(outcome, 0)
        tests += [TestResult(name=f"t{n}", outcome=outcome, seconds=0) for n in range(count)]
    return LayerResult(layer=name, tests=tuple(tests), seconds=seconds)


@pytest.fixture
def report() -> Report:
    found = Report(
        app="shop",
        environment="prod",
        revision=Revision(commit=COMMIT, tree="t", author="Ada", subject="Add a basket", at=AT),
        image=f"registry.example.org/shop@{DIGEST}",
        commit="f" * 40,
        commit_link="[`fffffff`](https://git.example.org/f)",
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


def test_the_whole_page(report: Report) -> None:
    assert render(report) == (
        "# shop 0123456 → prod: done\n"
        "\n"
        f"- **Revision** `{COMMIT}`\n"
        "- **Change** Add a basket (Ada)\n"
        "- **Image** `registry.example.org/shop`\n"
        f"- **Digest** `{DIGEST}`\n"
        "- **Ops commit** [`fffffff`](https://git.example.org/f)\n"
        "- **Cluster** Deployment/shop: 2 of 2 run the image\n"
        "- **This run** 1 built, 1 pushed, 1 committed, in 40.0 s\n"
        "\n"
        "## Tests\n"
        "\n"
        "| Layer | Passed | Failed | Skipped | Share | Time |\n"
        "|---|---|---|---|---|---|\n"
        "| unit | 69 | 0 | 1 | 70 % | 2.0 s |\n"
        "| integration | 20 | 0 | 0 | 20 % | 4.0 s |\n"
        "| e2e | 10 | 0 | 0 | 10 % | 10.0 s |\n"
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
    link = "- **Ops commit** [`fffffff`](https://git.example.org/f) (already there)\n"
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
        "tests": {"unit": 69, "integration": 20, "e2e": 10},
        "stages": {"code": 10.0, "build": 30.0, "unit": 10.0},
        "seconds": 40.04,
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
