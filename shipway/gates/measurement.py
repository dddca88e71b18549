"""What gates measure, and what follows from it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

Verdict = Literal["pass", "fail", "inconclusive"]


class Measurement(BaseModel):
    """What a gate measured once.

    Args:
        verdict: What it says; no data is inconclusive, never a pass.
        words: For people, with the figures.
        value: The number that was judged, where there is one.
    """

    model_config = ConfigDict(frozen=True)

    verdict: Verdict
    words: str
    value: float | None = None


def decide(
    measurements: Sequence[Measurement], consecutive_failures: int, *, pause_is_over: bool
) -> Literal["pass", "fail", "go on"]:
    """What the measurements so far, oldest first, come to.

    Inconclusive ones neither break a row of failures nor make one.
    """
    verdicts = [measurement.verdict for measurement in measurements]
    clear = [verdict for verdict in verdicts if verdict != "inconclusive"]
    if len(clear) >= consecutive_failures and set(clear[-consecutive_failures:]) == {"fail"}:
        return "fail"
    if pause_is_over and verdicts and verdicts[-1] == "pass":
        return "pass"
    return "go on"
