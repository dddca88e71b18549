"""What the model's sizes rest on: places, who waits for them, and how long they were taken."""

from __future__ import annotations

import pytest

from bench.production.simulation import Give, Pause, Process, Simulation, Take, work


def test_two_who_work_on_one_place_take_as_long_as_both() -> None:
    simulation = Simulation({"core": 1})
    for _ in range(2):
        simulation.start(work("core", 1.0))

    simulation.run()

    assert simulation.now == pytest.approx(2.0)
    assert simulation.share("core") == pytest.approx(1.0)


def test_two_places_are_worked_on_at_once() -> None:
    simulation = Simulation({"core": 2})
    for seconds in (1.0, 0.5):
        simulation.start(work("core", seconds))

    simulation.run()

    assert simulation.now == pytest.approx(1.0)
    assert simulation.share("core") == pytest.approx(0.75)


def test_a_short_work_does_not_wait_for_a_long_one() -> None:
    ended = list[float]()
    simulation = Simulation({"core": 1})

    def short() -> Process:
        yield from work("core", 0.1)
        ended.append(simulation.now)

    simulation.start(work("core", 10.0))
    simulation.start(short())
    simulation.run()

    assert ended == [pytest.approx(0.2)]


def test_a_place_goes_to_who_waits_longest() -> None:
    order = list[str]()
    simulation = Simulation({"slot": 1})

    def hold(name: str) -> Process:
        yield Take("slot")
        order.append(name)
        yield Pause(1.0)
        yield Give("slot")

    for number, name in enumerate("abc"):
        simulation.start(hold(name), after_seconds=number / 10)
    simulation.run()

    assert order == ["a", "b", "c"]
    assert simulation.now == pytest.approx(3.0)


def test_what_nobody_takes_is_never_at_work() -> None:
    simulation = Simulation({"core": 1, "idle": 1})
    simulation.start(work("core", 1.0))

    simulation.run()

    assert simulation.share("idle") == 0
