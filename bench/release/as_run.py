"""What a red test takes at least where Prefect starts it: the script as the whole of a flow."""

from __future__ import annotations

from functools import partial

from bench.common.quiet import Quiet
from bench.common.rounds import how, rounds
from bench.common.section import Cell, Section
from bench.release.least import Contender, seconds_of
from bench.release.part import Part, ratio, spread
from bench.release.script_run import deployed
from bench.release.ways import apps_of

SCRIPT, AS_RUN, IN_PARTS = "script", "script, as a run", "script, as a run in parts"
SHIPWAY = "Shipway"


def as_run(quiet: Quiet) -> Part:
    """Find a red unit test by the script, by runs of it, and by Shipway."""
    with apps_of("script", "worker") as apps, deployed():
        contenders: dict[str, Contender] = {
            SCRIPT: ("script", apps["script"]),
            AS_RUN: ("script run", apps["script"]),
            IN_PARTS: ("script in parts", apps["script"]),
            SHIPWAY: ("worker", apps["worker"]),
        }
        taken = rounds(
            quiet,
            {name: partial(seconds_of, "red", *one) for name, one in contenders.items()},
        )
    rows: list[dict[str, Cell]] = [
        {
            "": name,
            "Seconds": spread(one),
            "to the script": f"{ratio(one, taken.results[SCRIPT]):.2f} ×",
        }
        for name, one in taken.results.items()
    ]
    section = Section(
        title="A red unit test, and the script as a run",
        about=f"{how(taken)} The script as a run is a Prefect flow that starts the script and does "
        "nothing else, started by its deployment and run by the same worker as Shipway. In parts, "
        "it has also the tasks, the subflow and the report of a release that stops there; they do "
        "nothing, and the script is the work of one of them.",
        rows=tuple(rows),
        promises={},
    )
    return Part([section], {})
