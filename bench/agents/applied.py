"""How long after its commit a step is in the cluster, by whoever applies it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from bench.rollouts.rollout_app import RolloutApp
from shipway.kubernetes.client import Object

LOOK_SECONDS = 0.1
KINDS = (
    ("apps/v1", "Deployment"),
    ("v1", "Service"),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"),
)


@asynccontextmanager
async def watch_applied(app: RolloutApp) -> AsyncGenerator[list[float]]:
    """The seconds from each commit to the first change in the cluster, until the block is left.

    Nobody else may commit meanwhile. A commit that another one follows before anything changed has
    no entry of its own.
    """
    seconds = list[float]()

    async def watch() -> None:
        tip, live, pushed = _tip(), await _specs(app), None
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            at = time.monotonic()
            if (now := _tip()) != tip:
                tip, pushed = now, pushed or at
            if (found := await _specs(app)) != live:
                live = found
                if pushed is not None:
                    seconds.append(at - pushed)
                    pushed = None

    watching = asyncio.create_task(watch())
    try:
        yield seconds
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


def _tip() -> str:
    """The commit that the ops repository's branch is at."""
    return Path(os.environ["SHIPWAY_GIT_ROOT"], "ops.git/refs/heads/main").read_text()


async def _specs(app: RolloutApp) -> dict[str, str]:
    """What tells one desired state of each object from another."""
    found = dict[str, str]()
    for version, kind in KINDS:
        for each in await app.cluster.list(version, kind, app.name, ""):
            found[f"{kind}/{each['metadata']['name']}"] = _state_of(each)
    return found


def _state_of(body: Object) -> str:
    """The generation, which a status does not change; a Service has none, and no status either."""
    metadata = body["metadata"]
    return str(metadata.get("generation") or metadata["resourceVersion"])
