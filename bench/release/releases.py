"""Four commits that a pipeline meets: through the worker, by a direct call, and by the script."""

from __future__ import annotations

import time
from functools import partial
from statistics import median

from bench.common.apps import App
from bench.common.quiet import Pair, Quiet, undisturbed
from bench.common.section import Cell, Section
from bench.common.show import console
from bench.release.cases import TITLES, Case, commit
from bench.release.goals import Measured
from bench.release.part import Part, ratio, spread
from bench.release.ways import WAYS, Timed, Way, apps_of, released

ROUNDS = 5
STAGES = ("start", "code", "build", "unit", "integration", "e2e", "release", "deploy")

Round = dict[Way, Timed]


def releases(quiet: Quiet) -> Part:
    """Each case in each way, in turn; who goes first changes each round."""
    rounds: dict[Case, list[Round]] = {case: [] for case in TITLES}
    pairs: list[Pair] = []
    with apps_of(*WAYS) as apps:
        for number in range(ROUNDS):
            for case in TITLES:
                result, pair = undisturbed(partial(_in_turn, apps, case, number), quiet)
                rounds[case].append(result)
                pairs.append(pair)
                told = ", ".join(f"{way} {timed.seconds:.2f} s" for way, timed in result.items())
                console.print(f"  round {number + 1}, {case}: {told}")
    measured = {
        case: Measured(
            median(_seconds(done, "worker")),
            ratio(_seconds(done, "worker"), _seconds(done, "script")),
        )
        for case, done in rounds.items()
    }
    return Part([_whole(rounds, pairs, quiet), _stages(rounds)], {**measured})


def _in_turn(apps: dict[Way, App], case: Case, number: int) -> Round:
    ways, first = list(WAYS), number % len(WAYS)
    done: Round = {}
    for way in ways[first:] + ways[:first]:
        # A mark of its own each time: a round may be made again.
        revision = commit(apps[way].code, case, f"{way} {time.time_ns()}")
        done[way] = released(way, apps[way], revision, green=case != "red")
    return done


def _seconds(rounds: list[Round], way: Way, part: str | None = None) -> list[float]:
    timed = [one[way] for one in rounds]
    return [one.parts[part] if part else one.seconds for one in timed]


def _whole(rounds: dict[Case, list[Round]], pairs: list[Pair], quiet: Quiet) -> Section:
    rows: list[dict[str, Cell]] = []
    for case, done in rounds.items():
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
    again, left = sum(pair.disturbed for pair in pairs), sum(not pair.settled for pair in pairs)
    return Section(
        title="A release up to the GitOps commit",
        about=f"Median of {ROUNDS} (least–most), in seconds, from the call until the run is over. "
        "Shipway is started by its deployment, and a worker runs it; a direct call is a Python "
        f"that calls the flow. The load was {quiet.load:.1f} before. {again} rounds of a case were "
        f"disturbed and made again; {left} of those that count were disturbed too.",
        rows=tuple(rows),
        promises={},
    )


def _stages(rounds: dict[Case, list[Round]]) -> Section:
    rows: list[dict[str, Cell]] = []
    for case, done in rounds.items():
        row: dict[str, Cell] = {"Case": case}
        for stage in STAGES:
            told = [one["worker"].parts[stage] for one in done if stage in one["worker"].parts]
            row[stage] = f"{median(told):.2f}" if told else ""
        rows.append(row)
    return Section(
        title="What Shipway's seconds are",
        about="Medians; build and the first layer run side by side. Start is what the run waits "
        "for its process, and what who looks waits after its end.",
        rows=tuple(rows),
        promises={},
    )
