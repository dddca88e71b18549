"""kill -9 of a release after each step of each strategy, and the release once more."""

from __future__ import annotations

import re
from collections import Counter

from bench.rollout_app import RolloutApp, rollout_app
from bench.section import Cell, Section
from examples.pulses import Strategy
from flows.reconcile import reconcile

STEPS: dict[Strategy, tuple[str, ...]] = {
    "rolling": ("1/1 rolling",),
    "blue-green": ("1/3 prepare", "2/3 switch to", "3/3 scale down"),
    "canary": (
        *("1/7 prepare canary", "2/7 canary 1%", "3/7 canary 10%", "4/7 canary 50%"),
        *("5/7 promote", "6/7 all to stable", "7/7 scale down canary"),
    ),
}
# Short, and without the gate that needs requests: this is about what is left.
QUICK: dict[Strategy, dict[str, str]] = {
    "rolling": {},
    "blue-green": {"keep: 10": "keep: 3"},
    "canary": {"hold: 10": "hold: 3"},
}
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}")


async def kills() -> Section:
    """Kill at every step; compare with a release that was left alone."""
    rows = [row for strategy in STEPS for row in await _strategy(strategy)]
    return Section(
        title="kill -9 of the release's process after each step's commit, then the release again",
        about="Compared with a release that nobody killed: the ops folder's files but for the "
        "digests, and whether reconcile finds the cluster equal to Git.",
        rows=tuple(rows),
        promises={
            "the same files in the end": all(row["Files"] == "same" for row in rows),
            "the cluster is as Git says": all(row["Cluster"] == "as Git says" for row in rows),
            "no step is committed twice": all(row["Twice"] == 0 for row in rows),
        },
    )


async def _strategy(strategy: Strategy) -> list[dict[str, Cell]]:
    async with rollout_app(strategy) as app:
        for old, new in QUICK[strategy].items():
            app.change(old, new)
        text = app.pulse.read("rollout.yaml")
        app.pulse.write({"rollout.yaml": text.partition("gates:")[0]})
        # Blue/green's colours take turns: two releases have been seen by all.
        wanted = [await _left_alone(app) for _ in range(2)]
        return [
            {"Strategy": strategy, **await _killed(app, step, wanted)} for step in STEPS[strategy]
        ]


async def _left_alone(app: RolloutApp) -> dict[str, str]:
    app.next()
    state = await app.release()
    assert state.is_completed(), state.message
    return _files(app)


async def _killed(app: RolloutApp, step: str, wanted: list[dict[str, str]]) -> dict[str, Cell]:
    before = len(app.commits())
    app.next()
    await app.killed_after(step)
    at_kill = len(app.commits()) - before
    state = await app.release()
    commits = [name for name, _ in app.commits()[before:]]
    changes = [
        change
        for one in await reconcile("staging", app.name)
        for change in one.changes
        if change.action != "unchanged"
    ]
    return {
        "Killed after": step,
        "Commits at the kill": at_kill,
        "in the end": len(commits),
        "Twice": sum(count - 1 for count in Counter(commits).values()),
        "Files": "same" if state.is_completed() and _files(app) in wanted else "other",
        "Cluster": "as Git says" if not changes else str(changes),
    }


def _files(app: RolloutApp) -> dict[str, str]:
    app.pulse.pull()
    return {
        file.name: _DIGEST.sub("@", file.read_text()) for file in sorted(app.pulse.folder.iterdir())
    }
