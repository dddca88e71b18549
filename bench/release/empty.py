"""Pipelines of steps that do nothing; the script's are processes, as its steps are."""

from __future__ import annotations

import os
import re
import sys
from statistics import median

from bench.common.command import run
from bench.common.quiet import Quiet, undisturbed
from bench.common.section import Cell, Section
from bench.release.goals import Measured
from bench.release.part import Part, spread

ROUNDS = 5
COUNTS = (10, 100)


def empty(quiet: Quiet) -> Part:
    """Each count, in turn."""
    rows: list[dict[str, Cell]] = []
    measured: dict[str, Measured] = {}
    for count in COUNTS:
        script, flow = [], []
        for _ in range(ROUNDS):
            (one, other), _ = undisturbed(lambda count=count: (_script(count), _flow(count)), quiet)
            script.append(one)
            flow.append(other)
        name = f"{count} empty steps"
        measured[name] = Measured(median(flow), median(flow) / median(script))
        rows.append({"": name, "Script": spread(script), "Shipway's flow": spread(flow)})
    section = Section(
        title="Empty steps",
        about=f"Median of {ROUNDS} (least–most), in seconds: what a task of Prefect costs.",
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
