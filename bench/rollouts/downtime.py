"""Updates and rollbacks under constant load: what fails, and who gets which requests."""

from __future__ import annotations

import asyncio
import os
from itertools import pairwise
from math import sqrt

from bench.common.section import Cell, Section
from bench.rollouts.rollout_app import RolloutApp, now, rollout_app
from bench.rollouts.traffic import Request, Traffic, traffic
from examples.pulses import Strategy

RATE, ENOUGH = 250, 20_000
HOLD = 12
# From a step's commit until the gateway does what it says.
SETTLED_SECONDS = 6
STRATEGIES: tuple[Strategy, ...] = ("rolling", "blue-green", "canary")


async def downtime() -> list[Section]:
    """Update and roll back again and again, until enough requests were sent."""
    rows: list[dict[str, Cell]] = []
    shares: list[dict[str, Cell]] = []
    for strategy in STRATEGIES:
        async with rollout_app(strategy) as app:
            if strategy == "canary":
                app.change("pause_seconds: 10", f"pause_seconds: {HOLD}")
            url = os.environ["SHIPWAY_GATEWAY"] if strategy == "canary" else await app.service()
            with traffic(url, app.host, RATE) as load:
                row = await _there_and_back(app, load)
                rows.append({"Strategy": strategy, **row})
                if strategy == "canary":
                    shares = _shares(app, load.so_far())
    lost = sum(int(row["failed in updates"]) + int(row["failed in rollbacks"]) for row in rows)
    return [
        Section(
            title="Updates and rollbacks under load",
            about=f"{RATE} requests a second, each on a new connection, of an HTTP client in a "
            "process of its own; rolling and blue/green through the Service, canary through the "
            "gateway. Failed is every answer but 200, and none. Times from the call to the end.",
            rows=tuple(rows),
            promises={
                "no request fails, neither in updates nor in rollbacks": lost == 0,
                f"at least {ENOUGH} requests for each strategy": all(
                    int(row["Requests"]) >= ENOUGH for row in rows
                ),
            },
        ),
        Section(
            title="Who gets which requests",
            about="The canary's share of the requests while a weight stood in Git, from "
            f"{SETTLED_SECONDS} s after its commit to the next commit.",
            rows=tuple(shares),
            promises={
                "within 3 standard errors of the weight": all(
                    abs(float(row["Standard errors off"])) <= 3 for row in shares
                )
            },
        ),
    ]


Span = tuple[str, float, float]


async def _there_and_back(app: RolloutApp, load: Traffic) -> dict[str, Cell]:
    spans: list[Span] = []
    while len(load.so_far()) < ENOUGH:
        app.next()
        for what in ("update", "rollback"):
            begin = now()
            state = await (app.release() if what == "update" else app.back())
            assert state.is_completed(), state.message
            spans.append((what, begin, now()))
        await asyncio.sleep(1)
    requests = load.so_far()
    row: dict[str, Cell] = {"Requests": len(requests)}
    for what in ("update", "rollback"):
        times = [(begin, end) for name, begin, end in spans if name == what]
        failed = [request for request in requests if not request.ok and _within(request, times)]
        row[f"{what}s"] = len(times)
        row[f"failed in {what}s"] = len(failed)
        row[f"{what}, s"] = round(sum(end - begin for begin, end in times) / len(times), 1)
    row["failed at all"] = sum(not request.ok for request in requests)
    return row


def _within(request: Request, times: list[tuple[float, float]]) -> bool:
    return any(begin <= request.at <= end for begin, end in times)


def _shares(app: RolloutApp, requests: list[Request]) -> list[dict[str, Cell]]:
    commits = app.commits()
    counts: dict[int, list[int]] = {}
    for (step, at), (_, until) in pairwise(commits):
        if " canary " not in step or not step.endswith("%"):
            continue
        weight = int(step.rpartition(" ")[2].rstrip("%"))
        taken = [request for request in requests if at + SETTLED_SECONDS <= request.at < until]
        new = max((request.text for request in requests if request.at < until), key=_version)
        count = counts.setdefault(weight, [0, 0])
        count[0] += len(taken)
        count[1] += sum(request.text == new for request in taken)
    rows: list[dict[str, Cell]] = []
    for weight, (total, canary) in sorted(counts.items()):
        share = weight / 100
        error = sqrt(total * share * (1 - share))
        rows.append(
            {
                "Weight": f"{weight} %",
                "Requests": total,
                "of the canary": canary,
                "Share": f"{100 * canary / total:.2f} %",
                "Standard errors off": round((canary - total * share) / error, 2),
            }
        )
    return rows


def _version(text: str) -> int:
    return int(text.partition(".")[0]) if text[:1].isdigit() else 0
