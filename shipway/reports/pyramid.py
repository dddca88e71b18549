"""What the report says of the tests: to people, and to machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shipway.pyramid.results import OUTCOMES, LayerResult, Outcome, TestResult
from shipway.pytest_plugin.shipway_names import display_name
from shipway.reports.markdown import data_uri, escape, fenced, table
from shipway.reports.pyramid_svg import draw, shares

SLOWEST = 10
SLOW_SECONDS = 0.005  # what is shown as more than nothing
# A page with more is no page: the rest stands in the JUnit XML.
MOST_SHOWN = 20
MOST_LINES = 40


def pyramid_section(layers: Sequence[LayerResult]) -> str:
    """The pyramid's picture, its figures, and the tests that people should look at."""
    if not layers:
        return ""
    parts = [
        f"## Tests\n\n![The pyramid: target, by count, by time]({data_uri(draw(layers))})",
        _figures(layers),
        _from_before(layers),
        _failures(layers),
        _listed("Flaky: failed, then passed on the same revision", layers, "flaky"),
        _listed("Quarantined: failed, and known to", layers, "quarantined"),
        _slowest(layers),
        _listed("Skipped", layers, "skipped"),
    ]
    return "\n\n".join(part for part in parts if part)


def pyramid_figures(layers: Sequence[LayerResult]) -> dict[str, Any]:
    """The same figures for a machine, by layer."""
    return {
        layer.layer: {
            **{outcome: layer.count(outcome) for outcome in OUTCOMES},
            "target_percent": round(layer.weight, 1),
            "count_percent": round(count, 1),
            "time_percent": round(time, 1),
            "seconds": round(layer.seconds, 3),
            "test_seconds": round(layer.test_seconds, 3),
            "budget_seconds": round(layer.budget_seconds, 3),
            "over_budget": layer.over_budget,
            "green_since": layer.cached,
            "earlier": _earlier(layer),
            "shards": [round(shard.seconds, 3) for shard in layer.shards],
            "attention": [
                {
                    "name": display_name(test.name),
                    "outcome": test.outcome,
                    "file": test.file,
                    "line": test.line,
                    "message": test.message,
                    "local_command": test.local_command,
                }
                for test in layer.tests
                if test.outcome not in {"passed", "skipped"}
            ][:MOST_SHOWN],
        }
        for layer, (count, time) in zip(layers, shares(layers), strict=True)
    }


def _figures(layers: Sequence[LayerResult]) -> str:
    # With a column for every outcome, the UI would cut off the last ones.
    outcomes: list[Outcome] = [
        outcome for outcome in OUTCOMES if any(layer.count(outcome) for layer in layers)
    ]
    columns = (outcome.capitalize() for outcome in outcomes)
    head = ("Layer", "Target", "Tests", *columns, "Shards", "Time")
    rows = [
        (
            escape(layer.layer),
            f"{layer.weight:.0f} %",
            f"{len(layer.tests)} ({count:.0f} %)",
            *(str(layer.count(outcome)) for outcome in outcomes),
            str(len(layer.shards)) if layer.cached is None else "green before",
            f"{layer.seconds:.1f} s of {layer.budget_seconds:.0f} s"
            + (" **over budget**" if layer.over_budget else ""),
        )
        for layer, (count, _) in zip(layers, shares(layers), strict=True)
    ]
    return table(head, rows)


def _from_before(layers: Sequence[LayerResult]) -> str:
    """What did not run, and which run says that it is green."""
    lines: list[str] = []
    for layer in layers:
        if layer.cached is not None:
            note = f" did not run: it was green with the same inputs in {layer.cached}"
        elif count := _earlier(layer):
            note = f": {count} tests did not run again: they passed in a run that was killed"
        else:
            continue
        lines.append(f"- {escape(layer.layer)}{note}")
    return "\n".join(lines)


def _earlier(layer: LayerResult) -> int:
    return sum(test.earlier for test in layer.tests)


def _failures(layers: Sequence[LayerResult]) -> str:
    failed = [test for layer in layers for test in layer.with_outcome("failed")]
    parts = [_failure(test) for test in failed[:MOST_SHOWN]]
    if len(failed) > MOST_SHOWN:
        parts.append(f"And {len(failed) - MOST_SHOWN} more, in the JUnit XML.")
    return "\n\n".join(["### Failed", *parts]) if parts else ""


def _failure(test: TestResult) -> str:
    place = f" at `{test.file}:{test.line}`" if test.file and test.line else ""
    lines = "\n".join(part for part in (test.text.rstrip(), test.output.rstrip()) if part)
    last = lines.splitlines()[-MOST_LINES:] or [test.message]
    shown = fenced("\n".join(last))
    return f"**{escape(display_name(test.name))}**{place}\n\n{shown}{_alone(test)}"


def _alone(test: TestResult) -> str:
    """How to run just this test."""
    command = test.local_command
    if not command:
        return ""
    if "\n" in command:
        return f"\n\nJust this one:\n\n{fenced(command)}"
    return f"\n\nJust this one: `{command}`"


def _listed(title: str, layers: Sequence[LayerResult], outcome: Any) -> str:
    listed = [(layer, test) for layer in layers for test in layer.with_outcome(outcome)]
    if not listed:
        return ""
    rows = [
        (escape(layer.layer), escape(display_name(test.name)), escape(display_name(test.message)))
        for layer, test in listed[:MOST_SHOWN]
    ]
    more = f"\n\nAnd {len(listed) - MOST_SHOWN} more." if len(listed) > MOST_SHOWN else ""
    return f"### {title}\n\n" + table(("Layer", "Test", "Why"), rows) + more


def _slowest(layers: Sequence[LayerResult]) -> str:
    tests = [
        (test, layer) for layer in layers for test in layer.tests if test.seconds >= SLOW_SECONDS
    ]
    slowest = sorted(tests, key=lambda row: -row[0].seconds)[:SLOWEST]
    if not slowest:
        return ""
    rows = [
        (f"{test.seconds:.2f} s", escape(layer.layer), escape(display_name(test.name)))
        for test, layer in slowest
    ]
    return "### Slowest\n\n" + table(("Time", "Layer", "Test"), rows)
