"""The tables of docs/metrics.md are those of the code."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from shipway.metrics.runs import Outcome
from tests.support.metric_sources import told_metrics
from tests.support.project import HOME

PAGE = (HOME / "docs" / "metrics.md").read_text("utf-8")
ROW = re.compile(r"^\| `(shipway_\w+)` \| (\w+) \| (.*?) ?\| .+ \|$", re.MULTILINE)


def test_the_table_has_every_metric_with_its_type_and_labels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = {
        name: (metric.type, frozenset().union(*(one.labels for one in metric.samples)) - {"le"})
        for name, metric in told_metrics(monkeypatch).items()
    }
    written = {
        name: (kind, frozenset(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels in ROW.findall(PAGE)
    }
    assert written == told


def test_the_table_of_outcomes_has_each() -> None:
    table = PAGE.partition("| `outcome` |")[2].partition("\n\n")[0]
    cells = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == set(
        get_args(Outcome)
    )
