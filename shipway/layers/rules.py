"""What a team decided of a layer's failures, and of the time that it may take."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from shipway.config.pipeline import Layer
from shipway.pyramid.verdict import Rules, quarantine_active


class TimeLimit(NamedTuple):
    """When a layer is ended, in seconds, and the key of pipeline.yaml that says so."""

    seconds: float
    key: str


def rules_of(layer: Layer) -> Rules:
    """What the team decided, as of today (UTC)."""
    today = datetime.now(UTC).date()
    quarantined = {
        name for name, entry in layer.quarantine.items() if quarantine_active(entry.until, today)
    }
    repeats = layer.new_tests if layer.splits else 1
    return Rules(retries=layer.retries, new_tests=repeats, quarantined=frozenset(quarantined))


def time_limit(layer: Layer, budget_seconds: float) -> TimeLimit:
    """When the layer is ended: at its timeout, or at its budget where the team is strict."""
    if layer.over_budget == "fail" and budget_seconds < layer.timeout_seconds:
        return TimeLimit(budget_seconds, "budget_seconds")
    return TimeLimit(layer.timeout_seconds, "timeout_seconds")
