"""Counts inputs by kind: a file here is a kind of fault, each parameter of its tests an input."""

from __future__ import annotations

from collections import defaultdict

import pytest

KIND = "shipway_kind"


def pytest_itemcollected(item: pytest.Item) -> None:
    """A kind is called by the first line of its file's docstring."""
    if isinstance(item, pytest.Function):
        title = (item.module.__doc__ or item.module.__name__).strip().partition("\n")[0]
        item.user_properties.append((KIND, title.rstrip(".")))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: {"right": 0, "wrong": 0})
    for outcome, column in (("passed", "right"), ("failed", "wrong"), ("error", "wrong")):
        for report in terminalreporter.getreports(outcome):
            kind = dict(getattr(report, "user_properties", ())).get(KIND)
            if kind is not None:
                counts[str(kind)][column] += 1
    if not counts:
        return
    terminalreporter.section("cases")
    width = max(map(len, counts))
    terminalreporter.write_line(f"{'kind':<{width}}  inputs  right  wrong")
    for kind, count in sorted(counts.items()):
        right, wrong = count["right"], count["wrong"]
        terminalreporter.write_line(f"{kind:<{width}}  {right + wrong:6}  {right:5}  {wrong:5}")
