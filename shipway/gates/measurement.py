"""What gates say, and what follows from it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

Verdict = Literal["pass", "fail", "inconclusive"]


class Measurement(BaseModel):
    """One look at a gate.

    Args:
        verdict: What it says; no data is inconclusive, never a pass.
        words: For people, with the figures.
        value: The number that was judged, where there is one.
    """

    model_config = ConfigDict(frozen=True)

    verdict: Verdict
    words: str
    value: float | None = None


class Looker(Protocol):
    """A gate that can be looked at."""

    name: str
    interval: float
    failures: int
    patience: float

    async def look(self) -> Measurement:
        """Look once; whatever keeps it from an answer is inconclusive."""
        ...


def decide(
    readings: Sequence[Measurement], failures: int, *, hold_is_over: bool
) -> Literal["pass", "fail", "go on"]:
    """What the readings so far, oldest first, come to.

    Inconclusive readings neither break a row of failures nor make one.
    """
    clear = [one.verdict for one in readings if one.verdict != "inconclusive"]
    if len(clear) >= failures and set(clear[-failures:]) == {"fail"}:
        return "fail"
    if hold_is_over and readings and readings[-1].verdict == "pass":
        return "pass"
    return "go on"
