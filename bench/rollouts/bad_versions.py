"""Versions that are bad in different ways, as canaries under constant load."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from bench.common.section import Cell, Section
from bench.rollouts.downtime import RATE
from bench.rollouts.rollout_app import RolloutApp, least_available, now, rollout_app
from bench.rollouts.traffic import Request, traffic

REPLICAS = 3
DEADLINE = "progress_deadline_seconds: 20\n"
AFTERWARDS_SECONDS = 3
BAD: dict[str, dict[str, Any]] = {
    "fails 20 % of its requests": {"fails_percent": 20},
    "never gets ready": {"ready": False},
    "crashes after 10 s": {"crashes_after_seconds": 10},
}


async def bad_versions() -> Section:
    """Release each of them, and see who noticed it."""
    rows: list[dict[str, Cell]] = []
    held: list[bool] = []
    async with rollout_app("canary") as app:
        app.change("strategy: canary\n", f"strategy: canary\n{DEADLINE}")
        for name, behaviour in BAD.items():
            row, good = await released_badly(app, behaviour)
            rows.append({"A version that": name, **row})
            held.append(good)
    return Section(
        title="Bad versions, as canaries at 1, 10, 50 %",
        about=f"{RATE} requests a second through the gateway. Recovery is from the first request "
        "that failed to the last one. Least stable is the lowest count of stable's available pods, "
        "looked at five times a second.",
        rows=tuple(rows),
        promises={
            "caught, led back, and put on hold": all(held),
            "the gate catches errors at the first share, whose samples suffice": rows[0][
                "Last step"
            ]
            == "2/7 canary 1%",
            f"stable has all {REPLICAS} pods all the time": all(
                row["Least stable"] == REPLICAS for row in rows
            ),
        },
    )


async def released_badly(
    app: RolloutApp, behaviour: dict[str, Any]
) -> tuple[dict[str, Cell], bool]:
    """Release a version that behaves badly; its row, and whether it was led back and held."""
    before = len(app.commits())
    version = app.next(**behaviour)
    with traffic(os.environ["SHIPWAY_GATEWAY"], app.host, RATE) as load:
        async with least_available(app, app.name) as stable:
            begin = now()
            state = await app.release()
            seconds = now() - begin
            await asyncio.sleep(AFTERWARDS_SECONDS)
        requests = load.so_far()
    failed = [request for request in requests if not request.ok]
    steps = [step for step, _ in app.commits()[before:]]
    forward = [step for step in steps if "/7 " in step]
    held = app.pulse.code.head.commit.hexsha in app.pulse.read("holds.yaml")
    row: dict[str, Cell] = {
        "Found by": _finder(str(state.message)),
        "Last step": forward[-1],
        "Requests": len(requests),
        "failed": len(failed),
        "Share": f"{100 * len(failed) / len(requests):.3f} %",
        "Recovery, s": _recovery(failed),
        "Release, s": round(seconds, 1),
        "Least stable": min(stable),
    }
    gone = all(request.text != version for request in requests[-RATE:])
    back = steps[-1].endswith("scale down canary")
    return row, state.is_failed() and held and gone and back


def _recovery(failed: list[Request]) -> float:
    return round(failed[-1].at - failed[0].at, 1) if failed else 0.0


def _finder(message: str) -> str:
    words = message.partition("exception: ")[2].splitlines() or [message]
    return words[0].partition(": ")[2]
