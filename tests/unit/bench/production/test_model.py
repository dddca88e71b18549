"""Releases of the model, by what can be reckoned by hand."""

from __future__ import annotations

import pytest

from bench.production.cpu import RUNS
from bench.production.model import BRANCH, SLOTS, Costs, Place, closed_loop, offered

# A second of each; nothing idle, nothing beside.
COSTS = Costs(
    cpu={RUNS: 1.0, "server": 1.0},
    idle={},
    awaited=1.0,
    pause_seconds=1.0,
    commit_seconds=0.5,
    between_seconds=0.0,
)
APART = Place({"host": 2, "server": 1}, {RUNS: "host", "server": "server"}, workers=1, limit=2)
ALONE = 3.5


def test_a_release_alone_takes_what_it_costs() -> None:
    outcome = closed_loop(COSTS, APART, releases=1, clients=1)

    assert outcome.each == [pytest.approx(ALONE)]
    assert outcome.shares["server"] == pytest.approx(1 / ALONE)
    assert outcome.shares[SLOTS] == pytest.approx(1 / 2)
    assert outcome.shares[BRANCH] == pytest.approx(0.5 / ALONE)


def test_what_is_not_awaited_makes_no_release_longer_and_still_costs() -> None:
    costs = COSTS._replace(awaited=0.5)
    outcome = closed_loop(costs, APART, releases=1, clients=1)

    assert outcome.each == [pytest.approx(ALONE - 1.0)]
    assert outcome.shares["server"] == pytest.approx(1 / outcome.seconds)


def test_no_more_run_at_once_than_workers_take() -> None:
    one_run = APART._replace(limit=1)
    outcome = closed_loop(COSTS, one_run, releases=3, clients=3)

    assert sorted(outcome.each) == pytest.approx([ALONE, 2 * ALONE, 3 * ALONE])


def test_more_workers_give_no_more_than_the_narrowest_part() -> None:
    many = APART._replace(cores={"host": 40, "server": 1}, workers=20)
    outcome = closed_loop(COSTS, many, releases=40, clients=40)

    assert outcome.seconds >= 40
    assert outcome.shares["server"] == pytest.approx(40 / outcome.seconds)


def test_commits_of_workers_race_and_all_land() -> None:
    costs = COSTS._replace(cpu={}, pause_seconds=0.0, commit_seconds=1.0)
    place = APART._replace(cores={"host": 8, "server": 1}, workers=4, limit=1)
    outcome = closed_loop(costs, place, releases=4, clients=4)

    assert len(outcome.each) == 4
    assert outcome.seconds > 2


def test_releases_that_come_faster_than_they_go_wait_longer_and_longer() -> None:
    rare = offered(COSTS, APART, an_hour=100, hours=1)
    full = offered(COSTS, APART, an_hour=4000, hours=1)

    assert max(rare.each) < 3 * ALONE
    assert max(full.each) > 10 * ALONE
    assert full.shares[SLOTS] == pytest.approx(1, abs=0.05)


def test_what_a_part_does_anyway_goes_on_until_all_are_over() -> None:
    costs = COSTS._replace(cpu={}, pause_seconds=9.5, idle={"server": 0.25})
    outcome = closed_loop(costs, APART, releases=1, clients=1)

    assert outcome.shares["server"] == pytest.approx(0.25, abs=0.05)
