"""A suite of 80 s in four shards, beside a script that runs it in order or by pytest-xdist."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from statistics import median

from bench.common.apps import App, only_tests
from bench.common.quiet import Quiet
from bench.common.rounds import Rounds, how, rounds
from bench.common.section import Section
from bench.pyramid.shards import SHARDS, TOTAL_SECONDS, durations, tests_of
from bench.release.goals import Measured
from bench.release.part import Part, ratio, spread
from bench.release.ways import Way, apps_of, released_change
from examples import repositories

XDIST = "pytest-xdist==3.8.0"
IN_ORDER, BY_XDIST, SHIPWAY = "script, pytest", f"script, pytest -n {SHARDS}", "Shipway"

# A way to release, and the app that it releases.
Contender = tuple[Way, App]


def suite(quiet: Quiet) -> Part:
    """Release one-line changes of an app that has this suite alone."""
    with apps_of("script", "worker") as apps:
        contenders: dict[str, Contender] = {
            IN_ORDER: ("script", _unit(apps["script"], "pytest")),
            BY_XDIST: ("script", _unit(apps["script"], f"pytest -n {SHARDS}")),
            SHIPWAY: ("worker", apps["worker"]),
        }
        for app in apps.values():
            _give_suite(app)
        # The first one learns how long each test takes, and fills the caches of both.
        for name in (BY_XDIST, SHIPWAY):
            released_change(*contenders[name], f"first of {name}")
        changes = {
            name: partial(released_change, *contender, name)
            for name, contender in contenders.items()
        }
        return _part(rounds(quiet, changes))


def _unit(app: App, command: str) -> App:
    return app._replace(
        env={**app.env, "UNIT": f"{command} -q -p no:cacheprovider", "ONLY_UNIT": "1"}
    )


def _give_suite(app: App) -> None:
    dockerfile = Path(app.code.working_dir, "Dockerfile")
    last = "-r requirements-test.txt\n"
    text = dockerfile.read_text().replace(last, f"{last}RUN pip install --no-cache-dir {XDIST}\n")
    repositories.commit(app.code, "xdist", {"Dockerfile": text})
    only_tests(app, tests_of(durations()), {"shards": SHARDS, "budget_seconds": 300})


def _part(taken: Rounds[float]) -> Part:
    seconds, shipway = taken.results, taken.results[SHIPWAY]
    section = Section(
        title=f"A change of an app with {TOTAL_SECONDS:.0f} s of tests in {SHARDS} shards",
        about=f"{how(taken)} They are of the whole release. The tests sleep, few of them long; how "
        "long each takes is known from the release before.",
        rows=tuple(
            {
                "": name,
                "Seconds": spread(one),
                "Shipway to it": f"{ratio(shipway, one):.2f} ×",
            }
            for name, one in seconds.items()
        ),
        promises={},
    )
    case = f"{TOTAL_SECONDS:.0f} s of tests in {SHARDS} shards, to"
    return Part(
        [section],
        {
            f"{case} the script": Measured(median(shipway), ratio(shipway, seconds[IN_ORDER])),
            f"{case} pytest -n {SHARDS}": Measured(
                median(shipway), ratio(shipway, seconds[BY_XDIST])
            ),
        },
    )
