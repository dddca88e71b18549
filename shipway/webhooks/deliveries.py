"""The deliveries that came lately, so that none counts twice."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable


class Deliveries:
    """Remembers what proved each delivery, for a while, and of so many at most.

    What is forgotten may come once more. It then costs one look, which finds nothing new.

    Args:
        seconds: For how long.
        count: Of how many at most; the oldest one is forgotten first.
        clock: What time it is, in seconds.
    """

    def __init__(
        self, seconds: float, count: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds, self._count, self._clock = seconds, count, clock
        self._came = OrderedDict[bytes, float]()

    def is_new(self, proof: bytes) -> bool:
        """Whether a delivery came for the first time; from now on it did not."""
        now = self._clock()
        while self._came and now - next(iter(self._came.values())) > self._seconds:
            self._came.popitem(last=False)
        if proof in self._came:
            return False
        self._came[proof] = now
        if len(self._came) > self._count:
            self._came.popitem(last=False)
        return True
