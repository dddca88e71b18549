"""Whether the machine does nothing else while something is measured."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import NamedTuple, TypeVar

Result = TypeVar("Result")

MOST_LOAD = 0.5
PATIENCE_SECONDS = 180
# What a release leaves to do beside what follows is over by then.
SETTLE_SECONDS = 1.5
DISTURBED = 1.25
MOST_AGAIN = 2
_DATA = bytes(2**24)
_TIMES = 4


class Quiet(NamedTuple):
    """A quiet machine.

    Attributes:
        seconds: What a fixed calculation takes on it.
        load: The load average of a minute, as it was then.
    """

    seconds: float
    load: float


class Pair(NamedTuple):
    """How often a pair of measurements was made again, because the machine was disturbed."""

    disturbed: int
    settled: bool


def calculation() -> float:
    """Seconds of a fixed calculation on every core at once."""
    cores = os.cpu_count() or 1
    begin = time.perf_counter()
    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(_hash, [_TIMES] * cores))
    return time.perf_counter() - begin


def _hash(times: int) -> None:
    for _ in range(times):
        # Hashing of so much lets go of the interpreter's lock.
        hashlib.sha256(_DATA)


def quiet_machine() -> Quiet:
    """Wait until the machine is quiet; end where it does not get so."""
    until = time.monotonic() + PATIENCE_SECONDS
    while (load := os.getloadavg()[0]) > MOST_LOAD * (os.cpu_count() or 1):
        if time.monotonic() > until:
            sys.exit(f"✗ the machine is busy: its load is {load:.1f}; end what else runs on it")
        time.sleep(2)
    return Quiet(median(calculation() for _ in range(9)), load)


def undisturbed(measure: Callable[[], Result], quiet: Quiet) -> tuple[Result, Pair]:
    """Measure; again while the machine is slower than usual before or after."""
    for again in range(MOST_AGAIN + 1):
        before, result, after = _calm(), measure(), _calm()
        settled = max(before, after) <= DISTURBED * quiet.seconds
        if settled or again == MOST_AGAIN:
            return result, Pair(again, settled)
    raise AssertionError


def _calm() -> float:
    time.sleep(SETTLE_SECONDS)
    return calculation()
