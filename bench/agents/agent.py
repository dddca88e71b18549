"""The agents that are compared, and how an app is handed to one."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from pydantic import BaseModel, ConfigDict

from bench.rollouts.rollout_app import RolloutApp, rollout_app
from examples import flux_objects
from examples.pulses import Pulse, Strategy
from shipway.kubernetes.client import KubeClient

MANAGER = "bench"
BY_HAND = "agent: external\n"


class Agent(BaseModel):
    """Who applies an app's folder.

    Attributes:
        title: What the tables call it.
        interval: How often Flux looks, as it writes a duration; None for Shipway's own agent.
        named: Whether rollout.yaml names Flux's object, so that Shipway hears of it and nudges it.
    """

    model_config = ConfigDict(frozen=True)

    title: str
    interval: str | None
    named: bool

    def lines(self, app: str) -> str:
        """What rollout.yaml says of it."""
        if self.interval is None:
            return ""
        return flux_objects.external_agent(app) if self.named else BY_HAND


AGENTS = (
    Agent(title="built-in", interval=None, named=False),
    Agent(title="Flux, 30 s", interval="30s", named=False),
    Agent(title="Flux, 5 s", interval="5s", named=False),
    Agent(title="Flux, 30 s, nudged", interval="30s", named=True),
)


@asynccontextmanager
async def app_of(
    agent: Agent, strategy: Strategy, settings: str = ""
) -> AsyncGenerator[RolloutApp]:
    """An app that an agent has applied once; gone afterwards, with what the agent was told.

    Args:
        agent: Who applies it.
        strategy: How it is rolled out.
        settings: More lines of rollout.yaml.
    """

    async def hand_over(pulse: Pulse, client: KubeClient) -> None:
        text = pulse.read("rollout.yaml") + agent.lines(pulse.name) + settings
        pulse.write({"rollout.yaml": text})
        if agent.interval is not None:
            await tell_flux(pulse, client, agent.interval)

    async with rollout_app(strategy, hand_over) as app:
        try:
            yield app
        finally:
            if agent.interval is not None:
                await _forget(app)


async def tell_flux(
    pulse: Pulse, client: KubeClient, interval: str, *, suspend: bool = False
) -> None:
    """Have Flux apply an app's folder, or know of it and wait."""
    folder = f"{pulse.environment}/{pulse.name}"
    told = flux_objects.objects(pulse.name, folder, os.environ, interval=interval, suspend=suspend)
    for body in told:
        await client.apply(body, flux_objects.NAMESPACE, MANAGER)


async def _forget(app: RolloutApp) -> None:
    for version, kind in (flux_objects.KUSTOMIZATION, flux_objects.GIT_REPOSITORY):
        await app.cluster.delete(version, kind, app.name, flux_objects.NAMESPACE)
    await app.cluster.delete("v1", "Secret", app.name, flux_objects.NAMESPACE)
