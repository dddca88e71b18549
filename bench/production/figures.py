"""Figures as tables show them."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median, quantiles


def median_and_p95(values: Sequence[float]) -> str:
    """The median, and what one in twenty exceeds."""
    return f"{median(values):.1f}, {p95(values):.1f}"


def p95(values: Sequence[float]) -> float:
    """What one in twenty exceeds."""
    return quantiles(values, n=20, method="inclusive")[-1]
