"""The ways to release one commit that are compared, each with an app of its own."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from bench.common.apps import App, prepare, remove
from bench.common.command import run
from bench.common.deployed import RELEASE, call
from bench.common.summary import summary
from bench.release.cases import commit
from bench.release.script_run import DEPLOYMENT

Way = Literal["script", "worker", "direct", "script run", "script in parts"]


class Timed(BaseModel):
    """One release.

    Attributes:
        seconds: From the call until it is over.
        green: Whether it says that it is released.
        parts: Seconds of the flow and of its stages, where they are told.
        said: What it says at its end.
    """

    model_config = ConfigDict(frozen=True)

    seconds: float
    green: bool
    parts: dict[str, float]
    said: str


def by_process(app: App, revision: str) -> Timed:
    """By a process of its own: the script, or a direct call of the flow."""
    done = run([*app.command, revision], app.env)
    return Timed(seconds=done.seconds, green=done.status == 0, parts={}, said=done.output[-3000:])


def by_worker(app: App, revision: str) -> Timed:
    """By the deployment and its worker, as people start it."""
    parameters = {"app": app.name, "revision": revision, "until": "commit"}
    called = asyncio.run(call(RELEASE, parameters))
    parts = {"start": called.seconds - called.flow, "flow": called.flow}
    said = asyncio.run(summary(app.name, called.run))
    return Timed(
        seconds=called.seconds,
        green=called.state == "Completed",
        parts={**parts, **(said["stages"] if said else {})},
        said=f"{called.state}: {called.message}",
    )


def by_script_run(app: App, revision: str, *, in_parts: bool = False) -> Timed:
    """The script, by a deployment and the same worker."""
    parameters = {"command": [*app.command, revision], "env": app.env, "in_parts": in_parts}
    called = asyncio.run(call(DEPLOYMENT, parameters))
    return Timed(
        seconds=called.seconds,
        green=called.state == "Completed",
        parts={},
        said=f"{called.state}: {called.message}",
    )


WAYS: Mapping[Way, Callable[[App, str], Timed]] = {
    "script": by_process,
    "worker": by_worker,
    "direct": by_process,
    "script run": by_script_run,
    "script in parts": partial(by_script_run, in_parts=True),
}


@contextmanager
def apps_of(*ways: Way) -> Generator[dict[Way, App]]:
    """An app for each way; their ops folders are gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        apps: dict[Way, App] = {}
        try:
            for way in ways:
                state = Path(folder, way)
                state.mkdir()
                apps[way] = prepare("script" if way == "script" else "shipway", state)
            yield apps
        finally:
            for app in apps.values():
                remove(app.name)


def released(way: Way, app: App, revision: str, *, green: bool = True) -> Timed:
    """Release in one way; end where it does not come out as it must."""
    timed = WAYS[way](app, revision)
    if timed.green != green:
        sys.exit(f"✗ {way}, {app.name} {revision}: not {'green' if green else 'red'}\n{timed.said}")
    return timed


def released_change(way: Way, app: App, mark: str) -> float:
    """Release one changed line of code in one way; return the seconds."""
    # A mark of its own each time: a round may be made again.
    revision = commit(app.code, "change", f"{mark}, {app.code.head.commit.hexsha[:7]}")
    return released(way, app, revision).seconds
