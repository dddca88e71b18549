"""Blue/green rollbacks: from the call to the last answer of the new version."""

from __future__ import annotations

import asyncio

from bench.common.section import Cell, Section
from bench.rollouts.downtime import RATE
from bench.rollouts.rollout_app import RolloutApp, now, rollout_app, until
from bench.rollouts.traffic import Traffic, traffic

ROUNDS = 3


async def rollbacks() -> Section:
    """Roll back while the version before is kept, and after it was scaled down."""
    rows: list[dict[str, Cell]] = []
    async with rollout_app("blue-green") as app:
        with traffic(await app.service(), app.host, RATE) as load:
            for kept in (True, False):
                app.change(
                    "delay_seconds: 10" if kept else "delay_seconds: 120",
                    "delay_seconds: 120" if kept else "delay_seconds: 1",
                )
                times = [await _back(app, load, kept=kept) for _ in range(ROUNDS)]
                rows.append(
                    {
                        "The version before": "is kept" if kept else "was scaled down",
                        "Rollbacks": ROUNDS,
                        "Until the last answer of the new one, s": " ".join(
                            f"{seconds:.1f}" for seconds in times
                        ),
                    }
                )
            failed = sum(not request.ok for request in load.so_far())
    return Section(
        title="Blue/green: time from the call of rollback to the last answer of the new version",
        about=f"{RATE} requests a second through the Service, each on a new connection.",
        rows=tuple(rows),
        promises={"no request fails": failed == 0},
    )


async def _back(app: RolloutApp, load: Traffic, *, kept: bool) -> float:
    version = app.next()
    release = asyncio.create_task(app.release())
    if kept:
        await until(lambda: any(request.text == version for request in load.so_far()[-RATE:]))
    else:
        state = await release
        assert state.is_completed(), state.message
    begin = now()
    state = await app.back()
    assert state.is_completed(), state.message
    await asyncio.sleep(1)
    last = max(request.at for request in load.so_far() if request.text == version)
    # What still held finds its version on hold, and ends.
    release.cancel()
    await asyncio.gather(release, return_exceptions=True)
    return last - begin
