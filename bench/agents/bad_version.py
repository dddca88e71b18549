"""A version that fails requests, as a canary that each agent applies."""

from __future__ import annotations

from bench.agents.agent import AGENTS, app_of
from bench.common.section import Cell, Section
from bench.rollouts.bad_versions import BAD, RATE, released_badly

NAME = "fails 20 % of its requests"
# An agent that looks each 30 s makes no progress for as long.
DEADLINE = "progress_deadline_seconds: 60\n"


async def bad_version() -> Section:
    """Release it by each, and see who noticed it."""
    rows, held = list[dict[str, Cell]](), list[bool]()
    for agent in AGENTS:
        async with app_of(agent, "canary", DEADLINE) as app:
            row, good = await released_badly(app, BAD[NAME])
        rows.append({"Agent": agent.title, **row})
        held.append(good)
    return Section(
        title=f"A version that {NAME}, by each agent",
        about=f"A canary at 1, 10, 50 %; {RATE} requests a second through the gateway. The columns "
        "are those of the bad versions.",
        rows=tuple(rows),
        promises={"caught, led back, and put on hold, by each agent": all(held)},
    )
