"""Why a rollout waits, told once for each reason, and once when it is over."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.kubernetes.obstacles import Obstacle

# What passes sooner is no news: a container that starts refuses its first probes.
LASTS_SECONDS = 2.0


class Waits:
    """What one workload waits for, from one look at it to the next."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._told: set[str] = set()

    def new(self, obstacles: Sequence[Obstacle], now: float) -> list[Obstacle]:
        """The obstacles that have lasted, and that were not new before.

        Args:
            obstacles: What it waits for now.
            now: The time, in seconds.
        """
        fresh: list[Obstacle] = []
        for obstacle in obstacles:
            lasts = now - self._since.setdefault(obstacle.key, now) >= LASTS_SECONDS
            if lasts and obstacle.key not in self._told:
                self._told.add(obstacle.key)
                fresh.append(obstacle)
        return fresh

    def are_over(self, obstacles: Sequence[Obstacle]) -> bool:
        """Whether nothing is left of what was told; asked again, all is new."""
        if obstacles:
            return False
        were_told = bool(self._told)
        self._since.clear()
        self._told.clear()
        return were_told
