from __future__ import annotations

import re
from datetime import UTC, datetime
from xml.etree import ElementTree

from shipway.errors import FailError
from shipway.gates.measurement import Measurement
from shipway.git.source_changes import Changes
from shipway.reports.timeline import Timeline
from shipway.reports.timeline_svg import HEIGHT, TOP, Moment, draw
from shipway.rollout.result import StepCommit
from shipway.strategies.step import Step

NOW = datetime.now(UTC)


def step_commit(name: str) -> StepCommit:
    return StepCommit(commit=name * 40, new=True, link=f"`{name * 7}`", at=NOW)


def page() -> Timeline:
    timeline = Timeline("shop 1234567 → prod")
    timeline.begin_step(Step(name="1/2 canary 10%", share=10), step_commit("a"))
    timeline.reached(Step(name="1/2 canary 10%", share=10))
    timeline.measured("errors", Measurement(verdict="inconclusive", words="no data"))
    timeline.measured(
        "errors", Measurement(verdict="pass", words="0.01,\nmax 0.05 | ok", value=0.01)
    )
    timeline.end_step()
    timeline.begin_step(Step(name="2/2 promote"), step_commit("b"))
    return timeline


def test_each_step_is_a_row_with_the_latest_answer_of_each_gate() -> None:
    text = page().render()
    assert "# shop 1234567 → prod" in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert rows[1:] == [
        "| 1/2 canary 10% | 10 % | 0 s | `aaaaaaa` | ✓ errors: 0.01, max 0.05 \\| ok |",
        "| 2/2 promote | 100 % | … | `bbbbbbb` |  |",
    ]


def test_what_the_cluster_waited_for_stands_below_with_what_was_printed() -> None:
    timeline = page()
    before = timeline.state
    timeline.waited("Deployment/web waits: container web ended with exit code 3\nno <database>")
    assert timeline.state != before
    timeline.waited("Deployment/web waits for that no more")
    first, second = timeline.render().split("\n- ")[1:]
    assert first.splitlines() == [
        "0 s: Deployment/web waits: container web ended with exit code 3",
        "",
        "  ```text",
        "  no <database>",
        "  ```",
    ]
    assert second.strip() == "0 s: Deployment/web waits for that no more"


def test_how_it_ended_stands_below() -> None:
    timeline = page()
    timeline.failed(FailError("The gate is red.", got="0.2"))
    timeline.rolled_back(FailError("The gate is red.", remedy="prod is back at 7654321"))
    text = timeline.render()
    assert text.endswith("**The gate is red.** 0.2\n\nprod is back at 7654321")
    assert "| 2/2 promote | 100 % | 0 s |" in text


def test_the_picture_steps_from_share_to_share_and_scales_each_gate_to_its_highest() -> None:
    moments = [
        Moment(at=0, share=0),
        Moment(at=10, share=50),
        Moment(at=12, gate="errors<", value=0.1),
        Moment(at=14, gate="errors<", value=0.2),
        Moment(at=20, share=100),
    ]
    svg = draw(moments, 20)
    root = ElementTree.fromstring(svg)  # noqa: S314  # our own
    words = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "errors<, highest 0.2" in words
    assert "20 s" in words
    (line,) = root.iter("{http://www.w3.org/2000/svg}polyline")
    heights = [float(point.split(",")[1]) for point in str(line.get("points")).split()]
    middle = TOP + (HEIGHT - 2 * TOP) / 2
    assert heights == [middle, TOP]
    area = next(
        str(one.get("d"))
        for one in root.iter("{http://www.w3.org/2000/svg}path")
        if one.get("fill-opacity")
    )
    assert re.findall(r"V([\d.]+)", area)[1:] == [f"{middle:.1f}", f"{TOP}.0", f"{HEIGHT - TOP}.0"]


def test_a_picture_of_nothing_yet_is_a_picture() -> None:
    assert ElementTree.fromstring(draw([], 0)).get("width") == "720"  # noqa: S314  # our own


def test_what_changed_stands_at_the_end_once() -> None:
    timeline = page()
    changes = Changes(before="c" * 40, is_known=False)
    third = step_commit("c").model_copy(update={"what_changed": changes})
    timeline.begin_step(Step(name="1/1"), third)
    timeline.begin_step(Step(name="2/2"), step_commit("d"))
    text = timeline.render()
    assert text.endswith("## What changed\n\n" + next(iter(changes.parts)))
