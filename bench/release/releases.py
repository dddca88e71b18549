"""Four commits that a pipeline meets: through the worker, by a direct call, and by the script."""

from __future__ import annotations

import time
from functools import partial
from statistics import median

from bench.common.apps import App
from bench.common.quiet import Quiet
from bench.common.rounds import ROUNDS, Rounds, how, nothing_yet, one_round
from bench.common.section import Cell, Section
from bench.common.show import console
from bench.release.cases import TITLES, Case, commit
from bench.release.goals import Measured
from bench.release.part import Part, ratio, spread
from bench.release.ways import Timed, Way, apps_of, released

STAGES = ("start", "code", "build", "unit", "integration", "e2e", "release", "deploy")

COMPARED: tuple[Way, ...] = ("script", "worker", "direct")

# Of one case.
Done = Rounds[Timed]


def releases(quiet: Quiet) -> Part:
    """Each case in each way, in turn; who goes first changes each round."""
    measured: dict[Case, Done] = {case: nothing_yet(COMPARED) for case in TITLES}
    with apps_of(*COMPARED) as apps:
        for number in range(ROUNDS):
            for case in TITLES:
                contenders = {way: partial(_release, case, way, app) for way, app in apps.items()}
                done = one_round(quiet, contenders, number, measured[case])
                told = ", ".join(f"{way} {timed.seconds:.2f} s" for way, timed in done.items())
                console.print(f"  round {number + 1}, {case}: {told}")
    figures = {
        case: Measured(
            median(_seconds(done, "worker")),
            ratio(_seconds(done, "worker"), _seconds(done, "script")),
        )
        for case, done in measured.items()
    }
    return Part([_whole(measured, quiet), _stages(measured)], {**figures})


def _release(case: Case, way: Way, app: App) -> Timed:
    # A mark of its own each time: a round may be made again.
    revision = commit(app.code, case, f"{way} {time.time_ns()}")
    return released(way, app, revision, green=case != "red")


def _seconds(done: Done, way: Way, part: str | None = None) -> list[float]:
    return [one.parts[part] if part else one.seconds for one in done.results[way]]


def _whole(measured: dict[Case, Done], quiet: Quiet) -> Section:
    rows: list[dict[str, Cell]] = []
    for case, done in measured.items():
        script = _seconds(done, "script")
        rows.append(
            {
                "Case": TITLES[case],
                "Script": spread(script),
                "Shipway": spread(_seconds(done, "worker")),
                "of it the flow": spread(_seconds(done, "worker", "flow")),
                "to the script": f"{ratio(_seconds(done, 'worker'), script):.2f} ×",
                "Direct call": spread(_seconds(done, "direct")),
                "to the script ": f"{ratio(_seconds(done, 'direct'), script):.2f} ×",
            }
        )
    return Section(
        title="A release up to the GitOps commit",
        about=f"{how(*measured.values())} They are from the call until the run is over. Shipway is "
        "started by its deployment, and a worker runs it; a direct call is a Python that calls the "
        f"flow. The load was {quiet.load:.1f} before.",
        rows=tuple(rows),
        promises={},
    )


def _stages(measured: dict[Case, Done]) -> Section:
    rows: list[dict[str, Cell]] = []
    for case, done in measured.items():
        row: dict[str, Cell] = {"Case": case}
        for stage in STAGES:
            runs = done.results["worker"]
            told = [one.parts[stage] for one in runs if stage in one.parts]
            row[stage] = f"{median(told):.2f}" if told else ""
        rows.append(row)
    return Section(
        title="What Shipway's seconds are",
        about="Medians; build and the first layer run side by side. Start is what the run waits "
        "for its process, and what who looks waits after its end.",
        rows=tuple(rows),
        promises={},
    )
