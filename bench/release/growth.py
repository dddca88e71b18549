"""How a release's time grows with the apps beside it, and with its tests."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from pathlib import Path

from bench.common.apps import App, only_tests, remove
from bench.common.quiet import Quiet
from bench.common.rounds import Rounds, how, rounds
from bench.common.section import Cell, Section
from bench.release.part import Part, ratio, spread
from bench.release.ways import apps_of, released, released_change
from deployments.bootstrap import app as source_block
from deployments.bootstrap import save
from examples import repositories

APPS = (1, 10, 100)
TESTS = (100, 1_000, 10_000)
TESTS_ROUNDS = 3
_TEST = (
    "import pytest\n\n@pytest.mark.parametrize('n', range({count}))\ndef test_one(n):\n    pass\n"
)


def growth(quiet: Quiet) -> Part:
    """More apps; then more tests."""
    return Part([_with_apps(quiet), _with_tests(quiet)], {})


def _with_apps(quiet: Quiet) -> Section:
    rows: list[dict[str, Cell]] = []
    taken: list[Rounds[float]] = []
    with apps_of("worker") as apps:
        app = apps["worker"]
        there = 1
        for count in APPS:
            _more_apps(app, range(there, count))
            there = count
            released_change("worker", app, f"before {count}")
            change = partial(released_change, "worker", app, f"{count} apps")
            taken.append(rounds(quiet, {"A change": change, "Again": partial(_again, app)}))
            seconds = taken[-1].results
            rows.append({"Apps": count, **{name: spread(one) for name, one in seconds.items()}})
        remove(*(f"{app.name}-{number}" for number in range(1, there)))
    return Section(
        title="A release among 1, 10 and 100 apps",
        about=f"{how(*taken)} Each app has a folder in the ops repository and a block in Prefect.",
        rows=tuple(rows),
        promises={},
    )


def _again(app: App) -> float:
    return released("worker", app, app.code.head.commit.hexsha).seconds


def _more_apps(app: App, numbers: range) -> None:
    if not numbers:
        return
    _, ops = repositories.shop()
    folder = Path(ops.working_dir, "staging")
    texts = {file.name: file.read_text() for file in (folder / app.name).iterdir()}
    changes = {
        f"staging/{app.name}-{number}/{name}": text
        for number in numbers
        for name, text in texts.items()
    }
    repositories.commit(ops, f"{len(numbers)} more apps", changes)
    for number in numbers:
        asyncio.run(save(source_block(f"{app.name}-{number}", app.code.remote().url, os.environ)))


def _with_tests(quiet: Quiet) -> Section:
    rows: list[dict[str, Cell]] = []
    taken: list[Rounds[float]] = []
    with apps_of("script", "worker") as apps:
        script = apps["script"]
        unit = {"UNIT": "pytest -q -p no:cacheprovider", "ONLY_UNIT": "1"}
        apps["script"] = script._replace(env={**script.env, **unit})
        for count in TESTS:
            for way, app in apps.items():
                only_tests(
                    app, {"test_many.py": _TEST.format(count=count)}, {"budget_seconds": 600}
                )
                released_change(way, app, f"before {count}")
            changes = {
                way: partial(released_change, way, app, f"{count} tests")
                for way, app in apps.items()
            }
            taken.append(rounds(quiet, changes, TESTS_ROUNDS))
            seconds = taken[-1].results
            shares = ratio(seconds["worker"], seconds["script"])
            rows.append(
                {
                    "Tests": count,
                    "Script": spread(seconds["script"]),
                    "Shipway": spread(seconds["worker"]),
                    "to the script": f"{shares:.2f} ×",
                }
            )
    return Section(
        title="A change of an app with more and more tests",
        about=f"{how(*taken)} The tests do nothing, in one shard: what is left is what a test "
        "costs to run, to be told and to be kept.",
        rows=tuple(rows),
        promises={},
    )
