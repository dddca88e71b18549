"""The app of the rollout benchmark: released, rolled back and watched in this process."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from prefect.client.schemas.objects import State

from blocks.cluster import Cluster
from blocks.source_repository import SourceRepository
from deployments.bootstrap import app as source_block
from deployments.bootstrap import save
from examples import pulses, repositories
from examples.killed import kill
from examples.pulses import Pulse, Strategy
from flows.release import release
from flows.rollback import rollback
from shipway.kubernetes.client import KubeClient

Prepare = Callable[[Pulse, KubeClient], Awaitable[None]]


@dataclass
class RolloutApp:
    """An app in the cluster."""

    pulse: Pulse
    cluster: KubeClient
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def name(self) -> str:
        """Its name, and its namespace's."""
        return self.pulse.name

    @property
    def host(self) -> str:
        """The name that the gateway knows it by."""
        return f"{self.name}.test"

    def next(self, **behaviour: Any) -> str:
        """Commit another version; return what it answers."""
        version = f"{next(self.numbers)}.0.0"
        self.pulse.version(version, **behaviour)
        return version

    def change(self, old: str, new: str) -> None:
        """Change rollout.yaml."""
        text = self.pulse.read("rollout.yaml")
        assert old in text, old
        self.pulse.write({"rollout.yaml": text.replace(old, new)})

    async def release(self) -> State[Any]:
        """Release the tip; the final state, whatever it is."""
        return await release(self.name, return_state=True)  # type: ignore[call-overload]

    async def back(self) -> State[Any]:
        """Roll back."""
        return await rollback(self.name, "staging", "bench", "bench", return_state=True)  # type: ignore[call-overload]

    async def service(self) -> str:
        """Where its Service answers on this machine."""
        service = await self.cluster.get("v1", "Service", self.name, self.name)
        assert service is not None
        return f"http://{service['spec']['clusterIP']}/"

    def commits(self) -> list[tuple[str, float]]:
        """Each step that Git records, oldest first, with the second of its commit."""
        self.pulse.pull()
        form = "--format=%cI %(trailers:key=Step,valueonly,separator=%x20)"
        lines = str(
            self.pulse.ops.git.log("--reverse", form, "--", f"staging/{self.name}")
        ).splitlines()
        parts = (line.partition(" ") for line in lines)
        return [
            (step.strip(), datetime.fromisoformat(at).timestamp())
            for at, _, step in parts
            if step.strip()
        ]

    async def killed_after(self, flow: str, step: str) -> None:
        """Run a flow in a process of its own; kill -9 once a step so named is in Git."""
        before = len(self.commits())

        def is_there() -> bool:
            return any(name.startswith(step) for name, _ in self.commits()[before:])

        await kill(flow, self.name, is_there)

    async def available(self, deployment: str) -> int:
        """How many pods of a Deployment take requests."""
        live = await self.cluster.get("apps/v1", "Deployment", deployment, self.name)
        return int((live or {}).get("status", {}).get("availableReplicas", 0))


@asynccontextmanager
async def rollout_app(
    strategy: Strategy, prepare: Prepare | None = None
) -> AsyncGenerator[RolloutApp]:
    """An app that was released once; gone afterwards.

    Args:
        strategy: How it is rolled out.
        prepare: What is done before the first release.
    """
    env = dict(os.environ)
    repositories.shop(env)
    pulse = pulses.create(f"pulse-{uuid.uuid4().hex[:6]}", strategy, env)
    await save(source_block(pulse.name, pulse.code.remote().url, env))
    block = await Cluster.aload("staging")
    async with block.client() as client:
        app = RolloutApp(pulse, client)
        try:
            if prepare is not None:
                await prepare(pulse, client)
            app.next()
            state = await app.release()
            assert state.is_completed(), state.message
            yield app
        finally:
            pulse.remove()
            await SourceRepository.adelete(pulse.name)
            with suppress(Exception):
                await client.delete("v1", "Namespace", pulse.name, None)


@asynccontextmanager
async def least_available(app: RolloutApp, deployment: str) -> AsyncGenerator[list[int]]:
    """The counts of available pods, several times a second, until the block is left."""
    counts: list[int] = []

    async def count() -> None:
        while True:
            counts.append(await app.available(deployment))
            await asyncio.sleep(0.2)

    counting = asyncio.create_task(count())
    try:
        yield counts
    finally:
        counting.cancel()
        with suppress(asyncio.CancelledError):
            await counting


async def until(happens: Callable[[], bool]) -> None:
    """Wait until something is so."""
    for _ in range(600):
        if happens():
            return
        await asyncio.sleep(0.3)
    raise TimeoutError("it never was so")


def now() -> float:
    """As `Request.at` says it."""
    return time.time()
