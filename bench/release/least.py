"""What a release takes at least: the script, with all that can start before its turn."""

from __future__ import annotations

import time
from functools import partial

from bench.common.apps import App
from bench.common.quiet import Quiet
from bench.common.rounds import Rounds, how, rounds
from bench.common.section import Cell, Section
from bench.release.cases import TITLES, Case, commit
from bench.release.part import Part, ratio, spread
from bench.release.ways import Way, apps_of, released

CASES: tuple[Case, ...] = ("cold", "change")
SCRIPT, AHEAD, SHIPWAY = "Script", "Script, ahead", "Shipway"

# A way to release, and the app that it releases.
Contender = tuple[Way, App]


def least(quiet: Quiet) -> Part:
    """Release with nothing between the engine, the registry and Git but a shell."""
    rows: list[dict[str, Cell]] = []
    taken: list[Rounds[float]] = []
    with apps_of("script", "worker") as apps:
        ahead = apps["script"]._replace(env={**apps["script"].env, "AHEAD": "1"})
        contenders: dict[str, Contender] = {
            SCRIPT: ("script", apps["script"]),
            AHEAD: ("script", ahead),
            SHIPWAY: ("worker", apps["worker"]),
        }
        for case in CASES:
            taken.append(
                rounds(
                    quiet,
                    {name: partial(seconds_of, case, *one) for name, one in contenders.items()},
                )
            )
            seconds = taken[-1].results
            row: dict[str, Cell] = {"Case": TITLES[case]}
            for name, one in seconds.items():
                row[name] = f"{spread(one)}, {ratio(one, seconds[SCRIPT]):.2f} ×"
            rows.append(row)
    section = Section(
        title="What a release takes at least",
        about=f"{how(*taken)} Each is told in its share of the script's too. The second column is "
        "the same script where nothing waits that need not: the databases and the app start "
        "before their turn, the second image is built beside the first layer, and what is over is "
        "removed beside what follows. It has no reports, no retries, and no way back.",
        rows=tuple(rows),
        promises={},
    )
    return Part([section], {})


def seconds_of(case: Case, way: Way, app: App) -> float:
    """Release what a case asks for in one way; return the seconds."""
    # A mark of its own each time: a round may be made again.
    revision = commit(app.code, case, f"{way} {time.time_ns()}")
    return released(way, app, revision, green=case != "red").seconds
