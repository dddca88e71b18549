"""What one part of the benchmark comes to."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from bench.common.section import Section
from bench.release.goals import Measured


class Part(NamedTuple):
    """Tables, and the figures that goals are set for."""

    sections: list[Section]
    measured: dict[str, Measured]


def spread(values: Sequence[float]) -> str:
    """Median, least and most."""
    return f"{median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


def ratio(values: Sequence[float], peer: Sequence[float]) -> float:
    """The median beside the peer's."""
    return median(values) / median(peer)
