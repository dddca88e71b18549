"""What a team decided of a layer's failures."""

from __future__ import annotations

from datetime import UTC, datetime

from shipway.config.pipeline import Layer
from shipway.pyramid.verdict import Rules, active


def rules_of(layer: Layer) -> Rules:
    """What the team decided, as of today (UTC)."""
    today = datetime.now(UTC).date()
    quarantined = {name for name, entry in layer.quarantine.items() if active(entry.until, today)}
    repeats = layer.new_tests if layer.splits else 1
    return Rules(retries=layer.retries, new_tests=repeats, quarantined=frozenset(quarantined))
