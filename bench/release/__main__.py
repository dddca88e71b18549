"""A release up to the GitOps commit, beside the same workflow as a bash script.

`make bench` prints the table and writes bench/results/release.json. Both contenders release the
same app on the same engine, registry and Git server, in turn; who goes first changes each round.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.common import page
from bench.common.apps import CONTENDERS, App, Contender, prepare, remove
from bench.common.command import Finished, run
from bench.common.versions import versions
from bench.release.cases import TITLES, Case, commit

ROUNDS = 5
STEPS = (10, 100)
RESULTS = page.RESULTS / "release.json"
GOALS = (("cold", 0.7, None), ("again", 0.1, 3.0))
PARTS = ("start", "code", "build", "unit", "integration", "e2e", "release", "deploy")

Seconds = dict[str, list[float]]
console = Console(highlight=False)


def release(apps: dict[Contender, App], case: Case, mark: str, first: int) -> dict[str, Finished]:
    """Release one case with both; end where one does not come out as it must."""
    results: dict[str, Finished] = {}
    for contender in CONTENDERS[first:] + CONTENDERS[:first]:
        app = apps[contender]
        revision = commit(app.code, case, f"{mark} of {app.name}")
        done = results[contender] = run([*app.command, revision], app.env)
        console.print(f"  {mark} {case:<7} {contender:<8} {done.seconds:6.1f} s")
        if (done.status != 0) != (case == "red"):
            sys.exit(f"✗ {contender}, {case}: exit status {done.status}\n{done.output[-3000:]}")
    return results


def releases() -> dict[str, Seconds]:
    """Seconds of each case: the script's wall time, Shipway's, and that of its flow alone."""
    cases: dict[str, Seconds] = {case: {} for case in TITLES}
    with contenders() as apps:
        for number in range(ROUNDS):
            for case in TITLES:
                done = release(apps, case, f"round-{number + 1}", number % 2)
                note(cases[case], done)
    return cases


def steps() -> dict[str, Seconds]:
    """Seconds of a pipeline of empty steps; the script's are processes, as its steps are."""
    cases: dict[str, Seconds] = {}
    for count in STEPS:
        seconds = cases[f"{count} empty steps"] = {}
        script = ["bash", "-c", f"for ((i = 0; i < {count}; i++)); do bash -c :; done"]
        shipway = [sys.executable, "-m", "bench.release.steps", str(count)]
        for _ in range(ROUNDS):
            note(seconds, {"script": run(script, os.environ), "shipway": run(shipway, os.environ)})
    return cases


def note(seconds: Seconds, done: dict[str, Finished]) -> None:
    """Add one round: both wall times, and what Shipway's is made of."""
    for contender, finished in done.items():
        seconds.setdefault(contender, []).append(finished.seconds)
    (printed,) = re.findall(r"^seconds ({.*})$", done["shipway"].output, re.MULTILINE)
    for part, taken in json.loads(printed).items():
        seconds.setdefault(part, []).append(taken)
    seconds.setdefault("start", []).append(done["shipway"].seconds - seconds["flow"][-1])


@contextmanager
def contenders() -> Iterator[dict[Contender, App]]:
    """Both apps; their ops folders are gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        apps: dict[Contender, App] = {}
        try:
            for contender in CONTENDERS:
                state = Path(folder, contender)
                state.mkdir()
                apps[contender] = prepare(contender, state)
            yield apps
        finally:
            for app in apps.values():
                remove(app.name)


def figures(cases: dict[str, Seconds]) -> dict[str, Any]:
    """Medians, spreads and ratios by case."""
    return {
        case: {
            "median": {part: round(median(values), 2) for part, values in seconds.items()},
            "spread": {
                part: [round(f(values), 2) for f in (min, max)] for part, values in seconds.items()
            },
            "ratio": round(median(seconds["shipway"]) / median(seconds["script"]), 3),
        }
        for case, seconds in cases.items()
    }


def goals(cases: dict[str, Any]) -> list[dict[str, Any]]:
    """Each goal beside what was measured; both are shares of the script's cold run."""
    cold = cases["cold"]["median"]["script"]
    rows: list[dict[str, Any]] = []
    for case, share, seconds in GOALS:
        measured = cases[case]["median"]["shipway"]
        limit = min(share * cold, seconds or share * cold)
        rows.append(
            {
                "case": case,
                "share_of_the_scripts_cold_run": round(measured / cold, 3),
                "goal": share,
                "seconds": measured,
                "goal_seconds": seconds,
                "met": measured <= limit,
            }
        )
    return rows


def show(cases: dict[str, Any], met: list[dict[str, Any]]) -> None:
    """The table, and the goals."""
    table = Table("", "Script", "Shipway", "of it the flow", "Ratio")
    for case, row in cases.items():
        cells = [
            f"{row['median'][part]:.1f} s ({'–'.join(f'{end:.1f}' for end in row['spread'][part])})"
            for part in ("script", "shipway", "flow")
        ]
        table.add_row(TITLES.get(case, case), *cells, f"{row['ratio']:.2f} ×")  # type: ignore[call-overload]
    console.print(f"\nWall time up to the GitOps commit: median of {ROUNDS} (least–most)")
    console.print(table)
    console.print("\nWhat Shipway's seconds are; build and unit run side by side")
    console.print(parts(cases))
    for goal in met:
        limit = f" and {goal['goal_seconds']:.0f} s" if goal["goal_seconds"] else ""
        console.print(
            f"{'✓' if goal['met'] else '✗'} {goal['case']}: {goal['seconds']:.1f} s,"
            f" {goal['share_of_the_scripts_cold_run']:.2f} × the script's cold run"
            f" (goal {goal['goal']} ×{limit})"
        )


def parts(cases: dict[str, Any]) -> Table:
    """Seconds of the process's start and end, and of each stage."""
    table = Table("", *PARTS)
    for case, row in cases.items():
        medians = (row["median"].get(part) for part in PARTS)
        table.add_row(case, *("" if value is None else f"{value:.1f}" for value in medians))
    return table


def main() -> None:
    """Measure, print and write."""
    cases = figures({**releases(), **steps()})
    met = goals(cases)
    RESULTS.parent.mkdir(exist_ok=True)
    result = {"rounds": ROUNDS, "cases": cases, "goals": met, "versions": versions()}
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    page.write()
    show(cases, met)
    console.print(f"Written to {RESULTS.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
