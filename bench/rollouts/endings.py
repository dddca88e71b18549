"""For how long an app must serve on once it is told to end, so that no request is lost."""

from __future__ import annotations

import asyncio
import os

from bench.common.section import Cell, Section
from bench.rollouts.rollout_app import RolloutApp, now, rollout_app
from bench.rollouts.traffic import Request, Traffic, traffic
from examples.pulses import Strategy

RATE = 250
SERVES_ON_SECONDS = (0, 1, 3)
ROUTES: dict[str, Strategy] = {"Service": "rolling", "gateway": "canary"}


async def endings() -> Section:
    """Replace versions that end at once, and later, under load."""
    rows: list[dict[str, Cell]] = []
    for route, strategy in ROUTES.items():
        async with rollout_app(strategy) as app:
            if strategy == "canary":
                app.change("pause_seconds: 10", "pause_seconds: 1")
            url = os.environ["SHIPWAY_GATEWAY"] if route == "gateway" else await app.service()
            with traffic(url, app.host, RATE) as load:
                for seconds in SERVES_ON_SECONDS:
                    requests = await _replaced(app, load, seconds)
                    rows.append(
                        {
                            "Requests through": route,
                            "Serves on for, s": seconds,
                            "Requests": len(requests),
                            "failed": sum(not request.ok for request in requests),
                        }
                    )
    lost = sum(
        int(row["failed"]) for row in rows if row["Serves on for, s"] == max(SERVES_ON_SECONDS)
    )
    return Section(
        title="What an app does when it is told to end",
        about=f"An update under {RATE} requests a second, each on a new connection; the pods that "
        "it replaces end so many seconds after SIGTERM, and answer until then.",
        rows=tuple(rows),
        promises={f"none is lost where it serves on for {max(SERVES_ON_SECONDS)} s": lost == 0},
    )


async def _replaced(app: RolloutApp, load: Traffic, seconds: int) -> list[Request]:
    """The requests that were sent while a version was replaced that serves on for some seconds."""
    app.next(ends_after_seconds=seconds)
    assert (await app.release()).is_completed()
    app.next()
    begin = now()
    assert (await app.release()).is_completed()
    # The last of the old pods end after the release.
    await asyncio.sleep(seconds + 2)
    return [request for request in load.so_far() if request.at >= begin]
