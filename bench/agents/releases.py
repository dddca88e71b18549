"""A release by each agent and each strategy, under load."""

from __future__ import annotations

import asyncio
import os
from statistics import median

from bench.agents.agent import AGENTS, Agent, app_of
from bench.agents.applied import watch_applied
from bench.common.section import Cell, Section
from bench.rollouts.rollout_app import now
from bench.rollouts.traffic import traffic
from examples.pulses import Strategy

RATE = 100
STRATEGIES: tuple[Strategy, ...] = ("rolling", "blue-green", "canary")
# What still goes on when a release is over: pods that end.
AFTERWARDS_SECONDS = 4


async def releases() -> Section:
    """Release a version by each."""
    rows = [
        {"Agent": agent.title, "Strategy": strategy, **await _released(agent, strategy)}
        for strategy in STRATEGIES
        for agent in AGENTS
    ]
    return Section(
        title="A release by each agent",
        about=f"{RATE} requests a second, each on a new connection; rolling and blue/green through "
        "the Service, canary through the gateway. Applied is from the push of a step's commit to "
        "the first change in the cluster: the median and the longest of the release's steps. "
        "Nudged: rollout.yaml names the agent's object.",
        rows=tuple(rows),
        promises={"no request fails": all(row["failed"] == 0 for row in rows)},
    )


async def _released(agent: Agent, strategy: Strategy) -> dict[str, Cell]:
    async with app_of(agent, strategy) as app:
        url = os.environ["SHIPWAY_GATEWAY"] if strategy == "canary" else await app.service()
        app.next()
        with traffic(url, app.host, RATE) as load:
            async with watch_applied(app) as applied:
                begin = now()
                state = await app.release()
                seconds = now() - begin
            assert state.is_completed(), state.message
            await asyncio.sleep(AFTERWARDS_SECONDS)
            requests = load.so_far()
    return {
        "Steps": len(applied),
        "Applied, s": round(median(applied), 1),
        "at most, s": round(max(applied), 1),
        "Release, s": round(seconds, 1),
        "Requests": len(requests),
        "failed": sum(not request.ok for request in requests),
    }
