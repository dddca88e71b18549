"""Alerts and dashboard ask for metrics that there are, by labels that they have.

What Prometheus itself makes of them: tests/contract/test_monitoring.py.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from shipway.metrics.runs import FLOWS
from tests.support.metric_sources import told_metrics
from tests.support.project import HOME

FOLDER = HOME / "deployments" / "monitoring"
ALERTS: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.yaml").read_text("utf-8"))[
    "groups"
][0]["rules"]
CASES: list[dict[str, Any]] = [
    case
    for test in yaml.safe_load((FOLDER / "alerts.test.yaml").read_text("utf-8"))["tests"]
    for case in test["alert_rule_test"]
]
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text("utf-8"))
PANELS = [
    (panel["title"], target["expr"])
    for panel in DASHBOARD["panels"]
    for target in panel.get("targets", ())
]
VARIABLES = [
    (one["name"], one["definition"])
    for one in DASHBOARD["templating"]["list"]
    if one["type"] == "query"
]
EXPRESSIONS = [*((one["alert"], one["expr"]) for one in ALERTS), *PANELS, *VARIABLES]
SERIES = re.compile(r"(shipway_\w+?)(_bucket|_sum|_count)?(?:\{(.*?)\}|\b)(?=[^\w])")


def test_the_expressions_are_found() -> None:
    assert len(EXPRESSIONS) > 30
    text = 'sum(shipway_a_seconds_bucket{app="$a", le=~"1"}[1h]) / shipway_b_total > 0'
    assert SERIES.findall(text) == [
        ("shipway_a_seconds", "_bucket", 'app="$a", le=~"1"'),
        ("shipway_b_total", "", ""),
    ]


@pytest.mark.parametrize(("title", "expression"), EXPRESSIONS)
def test_an_expression_asks_for_what_is_told(
    title: str, expression: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = told_metrics(monkeypatch)
    found = SERIES.findall(f"{expression} ")
    assert found
    for name, part, matchers in found:
        samples = told[name].samples
        assert not part or told[name].type == "histogram"
        labels = frozenset[str]().union(*(sample.labels for sample in samples))
        assert set(re.findall(r"(\w+)[!=]", matchers)) <= labels


def test_the_values_that_alerts_ask_for_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {
        value
        for metric in told_metrics(monkeypatch).values()
        for sample in metric.samples
        for value in sample.labels.values()
    }
    asked = {
        value
        for alert in ALERTS
        for values in re.findall(r'=~?"(.*?)"', alert["expr"])
        for value in values.split("|")
    }
    assert asked - told == set()
    assert {"release", "rollback"} <= asked & set(FLOWS)


@pytest.mark.parametrize("alert", [one["alert"] for one in ALERTS])
def test_each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not(alert: str) -> None:
    fires = {bool(case["exp_alerts"]) for case in CASES if case["alertname"] == alert}
    assert fires == {True, False}


def test_panels_do_not_lie_on_each_other() -> None:
    taken = set[tuple[int, int]]()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
