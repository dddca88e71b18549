from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from aiohttp import ServerDisconnectedError
from kubernetes_asyncio.client import ApiException

from shipway.errors import BadVersionError, HaltError
from shipway.gates.gate import GateProbe
from shipway.gates.measurement import Measurement
from shipway.gates.run import run_gate, run_gates
from tests.support.measurements import measurements


class Told:
    """Measures what it is told, and after that the last of it again and again."""

    def __init__(self, letters: str, consecutive_failures: int = 1, name: str = "told") -> None:
        self.probe = GateProbe(name, 0.001, consecutive_failures, 0.02, self.measure)
        self._told: Iterator[Measurement] = iter(measurements(letters))
        self._last = measurements("i")[0]
        self.count = 0

    async def measure(self) -> Measurement:
        self.count += 1
        self._last = next(self._told, self._last)
        return self._last


async def test_a_gate_passes_at_the_end_of_the_pause_and_not_before() -> None:
    gate, told = Told("ip"), list[str]()
    begin = time.monotonic()
    passed = await run_gate(
        gate.probe, begin + 0.05, lambda _, measurement: told.append(measurement.verdict)
    )
    assert time.monotonic() >= begin + 0.05
    assert (passed.name, passed.words) == ("told", "p")
    assert told[:2] == ["inconclusive", "pass"]
    assert len(told) == gate.count > 2


async def test_a_red_gate_does_not_wait_for_the_end_of_the_pause() -> None:
    gate = Told("pff", consecutive_failures=2)
    with pytest.raises(BadVersionError, match="'told' is red 2 times in a row"):
        await run_gate(gate.probe, time.monotonic() + 60, lambda *_: None)
    assert gate.count == 3


@pytest.mark.parametrize("letters", ["i", "fi"])
async def test_a_gate_that_stays_inconclusive_halts(letters: str) -> None:
    gate = Told(letters, consecutive_failures=2)
    with pytest.raises(HaltError) as caught:
        await run_gate(gate.probe, time.monotonic(), lambda *_: None)
    assert caught.value.what == "The gate 'told' has no answer: neither pass nor fail."
    assert caught.value.facts["expected"] == "an answer within 0.02 s after the pause"
    assert caught.value.facts["got"] == "i"


@pytest.mark.parametrize(
    "error",
    [ApiException(status=503), ServerDisconnectedError(), ConnectionRefusedError("refused")],
)
async def test_a_cluster_that_does_not_answer_is_inconclusive(error: Exception) -> None:
    told = list[Measurement]()

    async def measure() -> Measurement:
        raise error

    probe = GateProbe("pods", 0.001, 1, 0.02, measure)
    with pytest.raises(HaltError):
        await run_gate(probe, time.monotonic(), lambda _, measurement: told.append(measurement))
    assert {(one.verdict, one.words) for one in told} == {("inconclusive", str(error))}


async def test_a_gate_that_cannot_make_up_its_mind_halts_too() -> None:
    gate = Told("f", consecutive_failures=10**6)
    with pytest.raises(HaltError):
        await run_gate(gate.probe, time.monotonic(), lambda *_: None)


async def test_all_gates_pass_or_the_first_red_one_stops_the_others() -> None:
    both = [Told("p", name="a").probe, Told("ip", name="b").probe]
    passed = await run_gates(both, time.monotonic() + 0.01, lambda *_: None)
    assert [gate.name for gate in passed] == ["a", "b"]
    endless = Told("p")
    with pytest.raises(BadVersionError, match="'b' is red"):
        await run_gates(
            [endless.probe, Told("if", name="b").probe], time.monotonic() + 60, lambda *_: None
        )
