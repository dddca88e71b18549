"""What was measured, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.common.section import Section
from bench.common.show import console
from bench.production.at_once import LIMIT, RELEASES, WORKERS, Pass
from bench.production.by_workers import Measured
from bench.production.cpu import PARTS, REST, RUNS
from bench.production.cpu import WORKERS as PROCESSES
from bench.production.figures import median_and_p95
from bench.production.traces import is_of_event


def by_workers(measured: Sequence[Measured]) -> list[Section]:
    """How many releases an hour, and what each costs."""
    count = measured[0].releases
    throughput = Section(
        title="Releases by one, two and four workers",
        about=f"{count} releases, each of a small app of its own with an image to build and tests "
        "to run. A worker has one run at a time, and the next release is called when one is over. "
        "Seconds are median, and what one in twenty exceeds: from the call to the end, and to the "
        "begin. Workers, servers, engine and all else share the cores of one machine.",
        rows=tuple(
            {
                "Workers": one.workers,
                "Releases an hour": f"{one.an_hour:.0f}",
                "Each": median_and_p95([each.seconds for each in one.each]),
                "of it until it begins": median_and_p95([each.queued for each in one.each]),
                "The commit": f"{one.commit_seconds:.2f}",
                "Connections at work": f"{one.connections:.2f}",
            }
            for one in measured
        ),
        promises={},
    )
    costs = Section(
        title="CPU seconds of a release",
        about="Of each part with all that it started, by the kernel's count, without what it takes "
        "where nothing is released: the last column, CPU seconds in a minute. Runs are the flows' "
        "processes with their Git and docker commands; the engine has the builds and the tests.",
        rows=tuple(
            {
                "": part,
                **{_title(one.workers): f"{one.cpu[part]:.2f}" for one in measured},
                "Idle": f"{60 * measured[0].idle[part]:.2f}",
            }
            for part in (RUNS, PROCESSES, *PARTS, REST)
        ),
        promises={},
    )
    return [throughput, costs]


def at_once(passes: Mapping[str, Pass]) -> Section:
    """What came of many releases at once; what is lost or twice is printed line by line."""
    for line in [line for one in passes.values() for lines in one.counted for line in lines]:
        console.print(f"  {line}", markup=False)
    done = passes.values()
    undisturbed, *disturbed = done
    return Section(
        title=f"{RELEASES} releases at once, over two API servers and {WORKERS} workers",
        about=f"Each of an app of its own; each worker has up to {LIMIT} runs at once. Seconds are "
        "median, and what one in twenty exceeds. Events, task runs, artifacts and commits of each "
        "are counted beside those of a release that was alone: lost is what is missing, twice what "
        "is there too often. Untold are events of task runs that never came, as in "
        "PrefectHQ/prefect#21588, and task runs that servers do not know to be over; what the "
        "tasks did is there.",
        rows=tuple(
            {
                "Meanwhile": title,
                "Releases": one.releases,
                "Completed": one.completed,
                "Lost": len(one.counted.lost),
                "Twice": len(one.counted.twice),
                "Untold": len(one.counted.untold),
                "Until all are over": f"{one.seconds:.0f}",
                "Releases an hour": f"{3600 * one.releases / one.seconds:.0f}",
                "Each": median_and_p95(one.each),
                "of it until it begins": median_and_p95(one.queued),
            }
            for title, one in passes.items()
        ),
        promises={
            "every release is completed": all(one.completed == one.releases for one in done),
            "no run's event, artifact or commit is lost": not undisturbed.counted.lost,
            "no more than an event is lost with a server": all(
                is_of_event(line) for one in disturbed for line in one.counted.lost
            ),
            "none is there twice": not any(one.counted.twice for one in done),
        },
    )


def _title(workers: int) -> str:
    return "1 worker" if workers == 1 else f"{workers} workers"
