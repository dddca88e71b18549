from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shipway.config.pipeline import Layer
from shipway.layers.rules import TimeLimit, rules_of, time_limit
from shipway.pyramid.verdict import Rules

TODAY = datetime.now(UTC).date()


def layer(**settings: Any) -> Layer:
    return Layer.model_validate({"command": ["pytest"], **settings})


def quarantine(**days: int) -> dict[str, Any]:
    return {
        name: {"owner": "Ada", "reason": "issue 7", "until": TODAY + timedelta(days=days_from_now)}
        for name, days_from_now in days.items()
    }


@pytest.mark.parametrize(
    ("settings", "rules"),
    [
        ({}, Rules(retries=0, new_tests=3)),
        ({"retries": 2, "new_tests": 5}, Rules(retries=2, new_tests=5)),
        # A tool that cannot run a part cannot run new tests once more.
        ({"command": ["make"], "new_tests": 5}, Rules(retries=0, new_tests=1)),
        (
            {"quarantine": quarantine(over=-1, today=0, later=9)},
            Rules(retries=0, new_tests=3, quarantined=frozenset({"today", "later"})),
        ),
    ],
)
def test_the_rules_are_what_the_team_decided(settings: dict[str, Any], rules: Rules) -> None:
    assert rules_of(layer(**settings)) == rules


@pytest.mark.parametrize(
    ("settings", "limit"),
    [
        ({}, TimeLimit(900, "timeout_seconds")),
        ({"timeout_seconds": 5}, TimeLimit(5, "timeout_seconds")),
        ({"over_budget": "fail"}, TimeLimit(9, "budget_seconds")),
        ({"over_budget": "fail", "timeout_seconds": 5}, TimeLimit(5, "timeout_seconds")),
    ],
)
def test_a_layer_ends_at_its_timeout_or_at_a_strict_budget(
    settings: dict[str, Any], limit: TimeLimit
) -> None:
    assert time_limit(layer(**settings), 9) == limit
