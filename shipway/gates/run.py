"""A step's gates, measured for as long as the step is paused."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from pydantic import BaseModel, ConfigDict

from shipway.concurrency import fail_fast_group
from shipway.errors import BadVersionError, HaltError
from shipway.gates.gate import Gate, GateProbe
from shipway.gates.measurement import Measurement, decide
from shipway.kubernetes.client import NO_ANSWER
from shipway.prometheus import Prometheus

Tell = Callable[[str, Measurement], None]


class PassedGate(BaseModel):
    """A gate that passed, with what it measured last."""

    model_config = ConfigDict(frozen=True)

    name: str
    words: str


async def check_gates(gates: Sequence[Gate], file: str, prometheus: Prometheus | None) -> None:
    """See that the gates of a file can be meant, before anything is committed.

    Args:
        gates: The gates, in the order of the file.
        file: Path of the file.
        prometheus: The server that has the app's numbers; None where no gate asks it.

    Raises:
        RefuseError: One cannot.
        RetryError: What one has to ask does not answer.
    """
    for number, gate in enumerate(gates):
        await gate.settings.check(f"{file}: gates.{number} ({gate.name})", prometheus)


async def run_gates(
    probes: Sequence[GateProbe], pause_until: float, tell: Tell
) -> list[PassedGate]:
    """Run gates side by side; the first that does not pass stops the others.

    Raises:
        BadVersionError: A gate fails.
        HaltError: A gate is inconclusive for too long.
    """
    async with fail_fast_group() as group:
        runs = [group.create_task(run_gate(probe, pause_until, tell)) for probe in probes]
    return [run.result() for run in runs]


async def run_gate(probe: GateProbe, pause_until: float, tell: Tell) -> PassedGate:
    """Measure a gate until it passes at the end of the pause.

    Args:
        probe: What measures the gate.
        pause_until: When the pause ends, as `time.monotonic` says it.
        tell: Called with the gate's name and every measurement.

    Raises:
        BadVersionError: It fails.
        HaltError: It is inconclusive for too long after the pause.
    """
    measurements: list[Measurement] = []
    while True:
        measurements.append(measurement := await _measure(probe))
        tell(probe.name, measurement)
        now = time.monotonic()
        decision = decide(
            measurements, probe.consecutive_failures, pause_is_over=now >= pause_until
        )
        if decision == "pass":
            return PassedGate(name=probe.name, words=measurement.words)
        if decision == "fail":
            raise _red(probe, measurement)
        if now > pause_until + probe.inconclusive_timeout_seconds:
            raise _inconclusive(probe, measurement)
        left = pause_until - now
        await asyncio.sleep(
            min(probe.interval_seconds, left) if left > 0 else probe.interval_seconds
        )


async def _measure(probe: GateProbe) -> Measurement:
    try:
        return await probe.measure()
    except NO_ANSWER as error:
        return Measurement(verdict="inconclusive", words=str(error) or type(error).__name__)


def _red(probe: GateProbe, last: Measurement) -> BadVersionError:
    failures = probe.consecutive_failures
    times = f" {failures} times in a row" if failures > 1 else ""
    return BadVersionError(
        f"The gate {probe.name!r} is red{times}.",
        where=f"gate {probe.name}",
        expected="what rollout.yaml asks of it",
        got=last.words,
    )


def _inconclusive(probe: GateProbe, last: Measurement) -> HaltError:
    return HaltError(
        f"The gate {probe.name!r} has no answer: neither pass nor fail.",
        where=f"gate {probe.name}",
        expected=f"an answer within {probe.inconclusive_timeout_seconds:g} s after the pause",
        got=last.words,
        untouched="the rollout, which stands where it is, and the version before it",
        remedy="see why there is no answer, then start the release again: it goes on from here; "
        "or `shipway rollback`",
    )
