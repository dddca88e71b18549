"""The model beside what was measured, and what it says of more releases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

from bench.common.section import Cell, Section
from bench.production.at_once import LIMIT, RELEASES, WORKERS, Pass
from bench.production.by_workers import Measured
from bench.production.cpu import REST, RUNS
from bench.production.figures import median_and_p95, p95
from bench.production.model import BRANCH, SLOTS, Costs, Outcome, closed_loop, offered
from bench.production.places import CORES, HOST_CORES, HOSTS, ON_HOSTS, apart, one_machine

RATES = (100, 1000)
HOURS = 1
# Workers are enough if p95 is at most so many times what a release takes alone.
LONGEST = 1.5
MOST_WORKERS = 16
# What two API servers may open, each by a pool of 30 and 50 more.
CONNECTIONS = 2 * (30 + 50)
CONNECTION = "database connections"


class Sized(NamedTuple):
    """What a rate needs.

    Attributes:
        workers: How many are enough; None where another part is full before that.
        outcome: What comes of releases with them, or with the most that were tried.
    """

    workers: int | None
    outcome: Outcome


def costs_of(measured: Measured) -> Costs:
    """What a release costs, by the releases of one worker that had one at a time.

    The share of the CPU seconds that is waited for is what makes the model's release as long as the
    measured one.
    """
    cpu = dict(measured.cpu)
    cpu[RUNS] = max(0.0, cpu[RUNS] - measured.commit_seconds)
    alone = median(one.seconds for one in measured.each) - measured.commit_seconds
    whole = sum(cpu.values())
    taken = sum(one.seconds for one in measured.each)
    return Costs(
        cpu=cpu,
        idle=measured.idle,
        awaited=min(1.0, alone / whole),
        pause_seconds=max(0.0, alone - whole),
        commit_seconds=measured.commit_seconds,
        between_seconds=max(0.0, (measured.seconds - taken) / measured.releases),
    )


def checked(costs: Costs, measured: Sequence[Measured], at_once: Pass) -> Section:
    """The model of this machine beside what was measured on it."""
    rows: list[dict[str, Cell]] = []
    for one in measured:
        model = closed_loop(costs, one_machine(one.workers, 1), one.releases, one.workers)
        name = f"{one.workers} {'worker' if one.workers == 1 else 'workers'}, one run each"
        rows.append(_beside(name, one.seconds, [e.seconds for e in one.each], model))
    place = one_machine(WORKERS, LIMIT)
    name = f"{RELEASES} at once, {WORKERS} workers, {LIMIT} runs each"
    model = closed_loop(costs, place, RELEASES, RELEASES)
    rows.append(_beside(name, at_once.seconds, at_once.each, model))
    return Section(
        title="The model beside what was measured",
        about="What a release costs is taken from the first row. The others are predicted: the "
        "model has this machine's cores, which all parts share. The error is the model's.",
        rows=tuple(rows),
        promises={},
    )


def _beside(name: str, seconds: float, each: Sequence[float], model: Outcome) -> dict[str, Cell]:
    return {
        "": name,
        "An hour": f"{3600 * len(each) / seconds:.0f}",
        "by the model": f"{3600 * len(each) / model.seconds:.0f}",
        "Error": f"{100 * (seconds / model.seconds - 1):+.0f} %",
        "Each": median_and_p95(each),
        "by the model ": median_and_p95(model.each),
        "Error ": f"{100 * (median(model.each) / median(each) - 1):+.0f} %",
    }


def sized(costs: Costs, connection_seconds: float) -> list[Section]:
    """How many workers a rate needs, and how far each part is from its limit then."""
    own = costs._replace(cpu=_without_rest(costs.cpu), idle=_without_rest(costs.idle))
    alone = median(closed_loop(own, apart(1, LIMIT), 3, 1).each)
    enough = {rate: _enough_workers(own, rate, LONGEST * alone) for rate in RATES}
    return [_workers(enough, alone), _limits(own, connection_seconds, enough, alone)]


def _enough_workers(costs: Costs, rate: int, longest: float) -> Sized:
    """The fewest workers that let few releases wait, and what comes of releases then."""
    for workers in range(1, MOST_WORKERS + 1):
        outcome = offered(costs, apart(workers, LIMIT), rate, HOURS)
        if p95(outcome.each) <= longest:
            return Sized(workers, outcome)
    return Sized(None, offered(costs, apart(MOST_WORKERS, LIMIT), rate, HOURS))


def _workers(enough: Mapping[int, Sized], alone: float) -> Section:
    return Section(
        title="Workers for a rate, by the model",
        about=f"Each part and each worker has a machine of its own. A worker has {HOST_CORES} "
        f"cores and up to {LIMIT} runs at once. Releases come by chance. Workers are enough when "
        f"nineteen of twenty releases take at most {LONGEST} × the {alone:.1f} s that one takes "
        f"alone; where {MOST_WORKERS} are not, no number of them helps, and the row tells of so "
        "many. Seconds are median, and what one in twenty exceeds.",
        rows=tuple(
            {
                "Releases an hour": rate,
                "Workers": one.workers or "not by workers",
                "Each takes": median_and_p95(one.outcome.each),
                "Full first": max(one.outcome.shares, key=one.outcome.shares.__getitem__),
            }
            for rate, one in enough.items()
        ),
        promises={},
    )


def _limits(
    costs: Costs,
    connection_seconds: float,
    enough: Mapping[int, Sized],
    alone: float,
) -> Section:
    cpu = {**costs.cpu, HOSTS: sum(costs.cpu[part] for part in ON_HOSTS) + costs.commit_seconds}
    seconds = {name: cpu[name] for name in (*CORES, HOSTS)}
    seconds |= {SLOTS: alone, BRANCH: costs.commit_seconds, CONNECTION: connection_seconds}
    has = {**CORES, HOSTS: HOST_CORES, SLOTS: LIMIT, BRANCH: 1, CONNECTION: CONNECTIONS}
    rows: list[dict[str, Cell]] = []
    for name, each in seconds.items():
        idle = costs.idle.get(name, 0.0)
        row: dict[str, Cell] = {
            "": f"{name}, of one worker" if name in {HOSTS, SLOTS} else name,
            "Has": has[name],
            "Idle": f"{idle / has[name]:.1%}",
            "A release takes": f"{each:.2f} s",
        }
        for rate, one in enough.items():
            share = one.outcome.shares.get(name, rate / 3600 * each / has[name])
            row[f"At {rate} an hour"] = f"{share:.0%}"
        row["Full at"] = f"{3600 * (has[name] - idle) / each:.0f} an hour" if each else "–"
        rows.append(row)
    return Section(
        title="How far each part is from its limit, by the model",
        about="Shares are of the simulation with the workers of the table before. What a part has "
        "are cores; of workers, runs at once; of the ops branch, the one commit that can be under "
        "way; of the database, the connections that two API servers may open.",
        rows=tuple(rows),
        promises={},
    )


def _without_rest(cpu: Mapping[str, float]) -> dict[str, float]:
    return {part: seconds for part, seconds in cpu.items() if part != REST}
