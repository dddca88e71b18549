"""What a release is to cost, beside what it costs, and what it cost before runs started warm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from bench.common.section import Cell, Section


class Goal(NamedTuple):
    """The most that a case may cost.

    Attributes:
        before: What it cost when each run began with a Python that started.
        share: Of what the peer takes in the same run.
        seconds: Wall time.
    """

    before: str
    share: float | None = None
    seconds: float | None = None

    def allows(self, measured: Measured) -> bool:
        """Whether a figure keeps to it."""
        return (self.share is None or measured.share <= self.share) and (
            self.seconds is None or measured.seconds <= self.seconds
        )

    def __str__(self) -> str:
        """The limits in words."""
        share = None if self.share is None else f"≤ {self.share} ×"
        seconds = None if self.seconds is None else f"≤ {self.seconds} s"
        return " and ".join(filter(None, (share, seconds)))


class Measured(NamedTuple):
    """What a case costs: wall time in seconds, and its share of the peer's."""

    seconds: float
    share: float


GOALS: Mapping[str, Goal] = {
    "again": Goal("0.4 ×", share=0.18, seconds=1.5),
    "red": Goal("6 to 7.7 ×", share=2.0),
    "change": Goal("1.55 ×", share=0.6),
    "cold": Goal("1.15 to 1.3 ×", share=0.7),
    "80 s of tests in 4 shards, to the script": Goal("not measured", share=0.35),
    "80 s of tests in 4 shards, to pytest -n 4": Goal("not measured", share=1.05),
    "50 at once": Goal("66 s", seconds=25.0),
    "first commit into 50,000 files": Goal("0.24 ×", share=0.12),
    "later commit into 50,000 files": Goal("0.125 ×", share=0.05),
    "100 empty steps": Goal("2.7 s", seconds=1.0),
}


def goals(measured: Mapping[str, Measured]) -> Section:
    """Each goal beside what was measured."""
    rows: list[dict[str, Cell]] = []
    for name, goal in GOALS.items():
        figure = measured.get(name)
        rows.append(
            {
                "Case": name,
                "Before": goal.before,
                "Measured": f"{figure.share:.2f} ×, {figure.seconds:.2f} s" if figure else "–",
                "Goal": str(goal),
                "": ("met" if goal.allows(figure) else "missed") if figure else "not measured",
            }
        )
    return Section(
        title="Goals",
        about="A share is of the peer's time in the same run: the script's, pytest's, or that of "
        "clone, `yq -i` and push. Goals that are missed: bench/README.md says what forbids them.",
        rows=tuple(rows),
        promises={},
    )
