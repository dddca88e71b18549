"""Deploy, judged: the gates are looked at for as long as a step is held."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from shipway.errors import BadVersionError, HaltError
from shipway.gates.measurement import Looker, Measurement, decide

Tell = Callable[[str, Measurement], None]


class Passed(BaseModel):
    """A gate that passed, with what it said last."""

    model_config = ConfigDict(frozen=True)

    gate: str
    words: str


async def course(gate: Looker, hold_until: float, tell: Tell) -> Passed:
    """Look at a gate until it passes at the end of the hold.

    Args:
        gate: The gate.
        hold_until: When the hold ends, as `time.monotonic` says it.
        tell: Called with every reading.

    Raises:
        BadVersionError: It is red.
        HaltError: It has no answer when its patience ends.
    """
    readings: list[Measurement] = []
    while True:
        readings.append(reading := await gate.look())
        tell(gate.name, reading)
        now = time.monotonic()
        decision = decide(readings, gate.failures, hold_is_over=now >= hold_until)
        if decision == "pass":
            return Passed(gate=gate.name, words=reading.words)
        if decision == "fail":
            raise _red(gate, readings)
        if now > hold_until + gate.patience:
            raise _no_answer(gate, reading)
        left = hold_until - now
        await asyncio.sleep(min(gate.interval, left) if left > 0 else gate.interval)


def seconds_left(since: datetime, hold: float) -> float:
    """How much of a hold is left that began when a step was committed, by whichever run."""
    return hold - (datetime.now(UTC) - since).total_seconds()


def _red(gate: Looker, readings: list[Measurement]) -> BadVersionError:
    times = f" {gate.failures} times in a row" if gate.failures > 1 else ""
    return BadVersionError(
        f"The gate {gate.name!r} is red{times}.",
        where=f"gate {gate.name}",
        expected="what rollout.yaml asks of it",
        got=readings[-1].words,
    )


def _no_answer(gate: Looker, last: Measurement) -> HaltError:
    return HaltError(
        f"The gate {gate.name!r} has no answer: neither pass nor fail.",
        where=f"gate {gate.name}",
        expected=f"an answer within {gate.patience:g} s after the hold",
        got=last.words,
        untouched="the rollout, which stands where it is, and the version before it",
        remedy="see why there is no answer, then start the release again: it goes on from here; "
        "or start `rollback`",
    )
