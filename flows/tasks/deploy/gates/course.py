"""Deploy, judged: the gates are looked at for as long as a step is held."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

from prefect.logging import get_run_logger
from pydantic import BaseModel, ConfigDict

from blocks.errors import BadVersion, Halt
from flows.tasks.deploy.gates.reading import Looker, Reading, decide

Tell = Callable[[str, Reading], None]


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
        BadVersion: It is red.
        Halt: It has no answer when its patience ends.
    """
    readings: list[Reading] = []
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


def telling() -> Tell:
    """Log what gates say where it is another verdict than before."""
    logger, said = get_run_logger(), dict[str, str]()

    def tell(gate: str, reading: Reading) -> None:
        if said.get(gate) != reading.verdict:
            logger.info("gate %s: %s, %s", gate, reading.verdict, reading.words)
        said[gate] = reading.verdict

    return tell


def _red(gate: Looker, readings: list[Reading]) -> BadVersion:
    times = f" {gate.failures} times in a row" if gate.failures > 1 else ""
    return BadVersion(
        f"The gate {gate.name!r} is red{times}.",
        where=f"gate {gate.name}",
        expected="what rollout.yaml asks of it",
        got=readings[-1].words,
    )


def _no_answer(gate: Looker, last: Reading) -> Halt:
    return Halt(
        f"The gate {gate.name!r} has no answer: neither pass nor fail.",
        where=f"gate {gate.name}",
        expected=f"an answer within {gate.patience:g} s after the hold",
        got=last.words,
        untouched="the rollout, which stands where it is, and the version before it",
        remedy="see why there is no answer, then start the release again: it goes on from here; "
        "or start `rollback`",
    )
