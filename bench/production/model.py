"""A model of releases: what each asks of which part, and what the parts have to give."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import NamedTuple

from bench.production.cpu import RUNS
from bench.production.simulation import Give, Pause, Process, Simulation, Take, work

SLOTS, BRANCH = "worker slots", "ops branch"
# A release is so many rounds; in each, it asks every part for an equal share of its seconds.
ROUNDS = 10
SEED = 1


class Costs(NamedTuple):
    """What a release costs.

    Attributes:
        cpu: CPU seconds of each part, without the commit.
        idle: CPU seconds of each part in a second without a release.
        awaited: The share of the CPU seconds that the release waits for; the rest goes on beside.
        pause_seconds: What it waits besides, while no part works.
        commit_seconds: From the fetch of the ops branch to the push, if no other is under way.
        between_seconds: From the end of a release to the next call of who waited for it.
    """

    cpu: Mapping[str, float]
    idle: Mapping[str, float]
    awaited: float
    pause_seconds: float
    commit_seconds: float
    between_seconds: float


class Place(NamedTuple):
    """Where releases run.

    Attributes:
        cores: Of each resource.
        of_part: The resource that a part works on.
        workers: How many there are. Commits of one worker take turns.
        limit: How many runs each has at once.
    """

    cores: Mapping[str, int]
    of_part: Mapping[str, str]
    workers: int
    limit: int


class Outcome(NamedTuple):
    """What came of releases.

    Attributes:
        seconds: Until all were over.
        each: How long each took, in seconds.
        shares: The share of its time that each resource was at work, of the ops branch that a
            commit for it was under way.
    """

    seconds: float
    each: list[float]
    shares: dict[str, float]


class _Model:
    """Releases in one place."""

    def __init__(self, costs: Costs, place: Place, releases: int) -> None:
        turns = {_turn(worker): 1 for worker in range(place.workers)}
        places = {**place.cores, **turns, SLOTS: place.workers * place.limit}
        self.simulation = Simulation(places)
        self.random = random.Random(SEED)  # noqa: S311  # a model, not a secret
        self.each = list[float]()
        self._costs, self._place, self._releases = costs, place, releases
        self._landed, self._committing_seconds = 0, 0.0
        for part, share in costs.idle.items():
            self.simulation.start(self._idle(part, share))

    def release(self) -> Process:
        """One release, from its call to its end."""
        called = self.simulation.now
        yield Take(SLOTS)
        for _ in range(ROUNDS):
            for part, seconds in self._costs.cpu.items():
                awaited = seconds / ROUNDS * self._costs.awaited
                beside = seconds / ROUNDS - awaited
                self.simulation.start(work(self._place.of_part[part], beside))
                yield from work(self._place.of_part[part], awaited)
            yield Pause(self._costs.pause_seconds / ROUNDS)
        yield from self._commit(self.random.randrange(self._place.workers))
        yield Give(SLOTS)
        self.each.append(self.simulation.now - called)

    def outcome(self) -> Outcome:
        """Run all that was started."""
        self.simulation.run()
        shares = {name: self.simulation.share(name) for name in (*self._place.cores, SLOTS)}
        shares[BRANCH] = self._committing_seconds / self.simulation.now
        return Outcome(self.simulation.now, self.each, shares)

    def _commit(self, worker: int) -> Process:
        """Attempts, as `shipway.git` makes them: who finds a new tip at the push begins anew."""
        attempts = 0
        while True:
            attempts += 1
            yield Take(_turn(worker))
            tip, begin = self._landed, self.simulation.now
            yield from work(self._place.of_part[RUNS], self._costs.commit_seconds)
            yield Give(_turn(worker))
            if self._landed == tip:
                self._landed += 1
                self._committing_seconds += self.simulation.now - begin
                return
            longest = 4 * self._costs.commit_seconds * attempts
            yield Pause(self.random.uniform(0, longest))

    def _idle(self, part: str, share: float) -> Process:
        """What a part does anyway, until all releases are over."""
        while len(self.each) < self._releases:
            yield from work(self._place.of_part[part], share)
            yield Pause(max(0.0, 1 - share))


def closed_loop(costs: Costs, place: Place, releases: int, clients: int) -> Outcome:
    """Releases by clients that call the next one when theirs is over."""
    model, waiting = _Model(costs, place, releases), list(range(releases))

    def client() -> Process:
        while waiting:
            waiting.pop()
            yield from model.release()
            yield Pause(costs.between_seconds)

    for _ in range(clients):
        model.simulation.start(client())
    return model.outcome()


def offered(costs: Costs, place: Place, an_hour: float, hours: float) -> Outcome:
    """Releases that come by chance, so many an hour in the mean, however long those before take."""
    releases = round(an_hour * hours)
    model, called = _Model(costs, place, releases), 0.0
    for _ in range(releases):
        called += model.random.expovariate(an_hour / 3600)
        model.simulation.start(model.release(), called)
    return model.outcome()


def _turn(worker: int) -> str:
    return f"turn of worker {worker}"
