"""A discrete-event simulation: processes take places of resources, wait in order, and go on."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Generator, Mapping
from itertools import count
from typing import NamedTuple

# Who has a place gives it to others after so many seconds, so that all who work get on.
SLICE_SECONDS = 0.05


class Pause(NamedTuple):
    """Go on after so many seconds."""

    seconds: float


class Take(NamedTuple):
    """Go on with a place of a resource, once one is free."""

    resource: str


class Give(NamedTuple):
    """Give a place of a resource back."""

    resource: str


Process = Generator[Pause | Take | Give]


class _Resource:
    """Places, who waits for one, and the seconds that all of them together were taken."""

    def __init__(self, places: int) -> None:
        self.places = self.free = places
        self.waiting = deque[Process]()
        self.taken_seconds = 0.0


class Simulation:
    """Runs processes by a clock of its own.

    Attributes:
        now: The clock, in seconds.
    """

    def __init__(self, places: Mapping[str, int]) -> None:
        self.now = 0.0
        self._resources = {name: _Resource(number) for name, number in places.items()}
        self._due = list[tuple[float, int, Process]]()
        self._order = count()

    def start(self, process: Process, after_seconds: float = 0.0) -> None:
        """Have a process begin, now or later."""
        heapq.heappush(self._due, (self.now + after_seconds, next(self._order), process))

    def run(self) -> None:
        """Go on until every process is over."""
        while self._due:
            self.now, _, process = heapq.heappop(self._due)
            self._go_on(process)

    def share(self, resource: str) -> float:
        """The share of a resource's places that was taken, once every process is over."""
        known = self._resources[resource]
        return known.taken_seconds / known.places / self.now

    def _go_on(self, process: Process) -> None:
        for asked in process:
            if isinstance(asked, Pause):
                self.start(process, asked.seconds)
                return
            resource = self._resources[asked.resource]
            if isinstance(asked, Give):
                if resource.waiting:
                    self.start(resource.waiting.popleft())
                else:
                    resource.free += 1
                    resource.taken_seconds += self.now
            elif resource.free:
                resource.free -= 1
                resource.taken_seconds -= self.now
            else:
                resource.waiting.append(process)
                return


def work(resource: str, seconds: float) -> Process:
    """Work on a resource, and let others in between."""
    while seconds > 0:
        yield Take(resource)
        yield Pause(min(seconds, SLICE_SECONDS))
        yield Give(resource)
        seconds -= SLICE_SECONDS
