"""Pipelines of steps that do nothing; the script's are processes, as its steps are."""

from __future__ import annotations

import os
import re
import sys
from functools import partial
from statistics import median

from bench.common.command import run
from bench.common.quiet import Quiet
from bench.common.rounds import Rounds, how, rounds
from bench.common.section import Cell, Section
from bench.release.goals import Measured
from bench.release.part import Part, ratio, spread

COUNTS = (10, 100)
SCRIPT, FLOW = "Script", "Shipway's flow"


def empty(quiet: Quiet) -> Part:
    """Each count, in turn."""
    rows: list[dict[str, Cell]] = []
    measured: dict[str, Measured] = {}
    taken: list[Rounds[float]] = []
    for count in COUNTS:
        contenders = {SCRIPT: partial(_script, count), FLOW: partial(_flow, count)}
        taken.append(rounds(quiet, contenders))
        seconds = taken[-1].results
        name = f"{count} empty steps"
        measured[name] = Measured(median(seconds[FLOW]), ratio(seconds[FLOW], seconds[SCRIPT]))
        rows.append({"": name, **{way: spread(one) for way, one in seconds.items()}})
    section = Section(
        title="Empty steps",
        about=f"{how(*taken)} It is what a task of Prefect costs.",
        rows=tuple(rows),
        promises={},
    )
    return Part([section], measured)


def _script(count: int) -> float:
    command = f"for ((i = 0; i < {count}; i++)); do bash -c :; done"
    return run(["bash", "-c", command], os.environ).seconds


def _flow(count: int) -> float:
    done = run([sys.executable, "-m", "bench.release.steps", str(count)], os.environ)
    (seconds,) = re.findall(r"^seconds ([\d.]+)$", done.output, re.MULTILINE)
    return float(seconds)
