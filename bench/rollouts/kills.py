"""kill -9 of a release or rollback after each step of each strategy, and the same once more."""

from __future__ import annotations

import re
from collections import Counter

from bench.common.section import Cell, Section
from bench.rollouts.rollout_app import RolloutApp, rollout_app
from examples.killed import RELEASE, ROLLBACK
from examples.pulses import Strategy
from flows.reconcile import reconcile
from shipway.config.holds import HOLDS_FILE, holds_in
from shipway.git.record import RECORD_FILE

STEPS: dict[Strategy, tuple[str, ...]] = {
    "rolling": ("1/1 rolling",),
    "blue-green": ("1/3 prepare", "2/3 switch to", "3/3 scale down"),
    "canary": (
        *("1/7 prepare canary", "2/7 canary 1%", "3/7 canary 10%", "4/7 canary 50%"),
        *("5/7 promote", "6/7 all to stable", "7/7 scale down canary"),
    ),
}
# How far the release came before, and the steps of the way back.
BACK: dict[Strategy, tuple[tuple[str | None, str], ...]] = {
    "rolling": ((None, "1/1 rolling"),),
    "blue-green": (
        *((None, step) for step in ("1/3 prepare", "2/3 switch to", "3/3 scale down")),
        ("2/3 switch to", "2/3 switch to"),
    ),
    "canary": ((None, "1/2 back to stable"), ("3/7 canary 10%", "1/2 back to stable")),
}
# Short, and without the gate that needs requests: this is about what is left.
QUICK: dict[Strategy, dict[str, str]] = {
    "rolling": {},
    "blue-green": {"delay_seconds: 10": "delay_seconds: 3"},
    "canary": {"pause_seconds: 10": "pause_seconds: 3"},
}
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}")


async def kills() -> list[Section]:
    """Kill at every step; compare with a release that was left alone."""
    releases: list[dict[str, Cell]] = []
    rollbacks: list[dict[str, Cell]] = []
    for strategy in STEPS:
        async with rollout_app(strategy) as app:
            for old, new in QUICK[strategy].items():
                app.change(old, new)
            text = app.pulse.read("rollout.yaml")
            app.pulse.write({"rollout.yaml": text.partition("gates:")[0]})
            # Blue/green's colours take turns: two releases have been seen by all.
            undisturbed = [await _left_alone(app) for _ in range(2)]
            for step in STEPS[strategy]:
                app.next()
                row = await _killed(app, RELEASE, step, undisturbed)
                releases.append({"Strategy": strategy, **row})
            for reached, step in BACK[strategy]:
                app.next()
                if reached is None:
                    await _completed(app)
                else:
                    await app.killed_after(RELEASE, reached)
                holds = _holds(app)
                row = await _killed(app, ROLLBACK, step, undisturbed)
                release = f"reached {reached}" if reached else "is over"
                added = {"Holds": _holds(app) - holds}
                rollbacks.append({"Strategy": strategy, "The release": release, **row, **added})
    about = (
        "Compared with a release that nobody killed: the ops folder's files but for the digests, "
        "holds and the record, and whether reconcile finds the cluster equal to Git."
    )
    return [
        Section(
            title="kill -9 of the release after each step's commit, then the release again",
            about=about,
            rows=tuple(releases),
            promises=_promises(releases),
        ),
        Section(
            title="kill -9 of the rollback after each step's commit, then the rollback again",
            about=about,
            rows=tuple(rollbacks),
            promises={
                **_promises(rollbacks),
                "one hold": all(row["Holds"] == 1 for row in rollbacks),
            },
        ),
    ]


def _promises(rows: list[dict[str, Cell]]) -> dict[str, bool]:
    return {
        "the same files in the end": all(row["Files"] == "same" for row in rows),
        "the cluster is as Git says": all(row["Cluster"] == "as Git says" for row in rows),
        "no step is committed twice": all(row["Twice"] == 0 for row in rows),
    }


async def _left_alone(app: RolloutApp) -> dict[str, str]:
    app.next()
    await _completed(app)
    return _files(app)


async def _completed(app: RolloutApp) -> None:
    state = await app.release()
    assert state.is_completed(), state.message


async def _killed(
    app: RolloutApp, flow: str, step: str, undisturbed: list[dict[str, str]]
) -> dict[str, Cell]:
    before = len(app.commits())
    await app.killed_after(flow, step)
    at_kill = len(app.commits()) - before
    state = await (app.release() if flow == RELEASE else app.back())
    commits = [name for name, _ in app.commits()[before:]]
    changes = [
        change
        for drift in await reconcile("staging", app.name)
        for change in drift.changes
        if change.action != "unchanged"
    ]
    return {
        "Killed after": step,
        "Commits at the kill": at_kill,
        "in the end": len(commits),
        "Twice": sum(count - 1 for count in Counter(commits).values()),
        "Files": "same" if state.is_completed() and _files(app) in undisturbed else "other",
        "Cluster": "as Git says" if not changes else str(changes),
    }


def _files(app: RolloutApp) -> dict[str, str]:
    app.pulse.pull()
    return {
        file.name: _DIGEST.sub("@", file.read_text())
        for file in sorted(app.pulse.folder.iterdir())
        if file.name not in {HOLDS_FILE, RECORD_FILE}
    }


def _holds(app: RolloutApp) -> int:
    """How many holds Git has."""
    app.pulse.pull()
    file = app.pulse.folder / HOLDS_FILE
    return len(holds_in({HOLDS_FILE: file.read_bytes()} if file.exists() else {}).holds)
