"""Whether a route has come into force as a step left it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.objects import KubeObject
from shipway.kubernetes.obstacles import Obstacle
from shipway.kubernetes.route import ROUTES, not_in_force
from shipway.rollout.agent import POLL_SECONDS
from shipway.rollout.cannot_go_on import cannot_go_on
from shipway.rollout.target import Target
from shipway.rollout.waits import Waits


async def wait_for_gateway(
    client: KubeClient, target: Target, kube_object: KubeObject, warn: Callable[[str], None]
) -> None:
    """Wait until every gateway of a route has put it into force; any other kind is at once.

    Args:
        client: The cluster.
        target: The environment.
        kube_object: What a step has changed.
        warn: Told what a gateway says against it, and once that is over.

    Raises:
        HaltError: A gateway does not do so.
    """
    deadline, waits = time.monotonic() + target.rollout.progress_deadline_seconds, Waits()
    while (words := await _not_in_force(client, target, kube_object)) is not None:
        for new in waits.new([Obstacle(words=words)], time.monotonic()):
            warn(f"{kube_object.title} waits: {new.words}")
        if time.monotonic() > deadline:
            raise cannot_go_on(
                target,
                kube_object,
                expected="every gateway that it names to put the route into force",
                got=words,
                untouched="what the gateway served before",
            )
        await asyncio.sleep(POLL_SECONDS)
    if waits.are_over([]):
        warn(f"{kube_object.title} waits for that no more")


async def _not_in_force(client: KubeClient, target: Target, kube_object: KubeObject) -> str | None:
    # Each step sets fields of Deployments: nothing is to be asked for them.
    if kube_object.kind not in ROUTES:
        return None
    live = await client.get(
        kube_object.api_version,
        kube_object.kind,
        kube_object.name,
        target.namespace_of(kube_object),
    )
    return "it is not there any more" if live is None else not_in_force(live)
