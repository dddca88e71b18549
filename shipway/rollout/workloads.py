"""The workloads that a rollout waits for, and the image that each of their containers shall run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from shipway.image_ref import ImageRef, repository_of
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.health import Health
from shipway.kubernetes.objects import KubeObject, images_of
from shipway.kubernetes.startup import Startup
from shipway.kubernetes.workloads import health_of, workloads_running
from shipway.rollout.agent import POLL_SECONDS, Trouble, not_applied
from shipway.rollout.target import Target
from shipway.strategies.step import Ready


async def workloads_of(
    client: KubeClient, target: Target, ready: Ready, *, wait: bool = True
) -> Sequence[KubeObject]:
    """The workloads that something is to be waited for of; those that are rendered may come yet.

    Raises:
        FailError: The agent applies no workload with the app's image in time.
    """
    if ready.workload is not None:
        return [workload for workload in target.workloads if workload.title == ready.workload]
    return target.workloads or await _rendered_workloads(client, target, ready.image, wait=wait)


def images_for(target: Target, workload: KubeObject, image: str) -> dict[str, str]:
    """The containers of a workload that a release sets, each with the image it shall run."""
    repository = ImageRef.parse(image).repository
    return {
        name: image
        for name, current in images_of(workload).items()
        if name in target.images_in_git(workload) or repository_of(current) == repository
    }


async def workload_health(
    client: KubeClient,
    target: Target,
    workload: KubeObject,
    image: str,
    startup: Startup | None = None,
) -> Health:
    """How far a workload has come on its way to an image.

    Args:
        client: The cluster.
        target: The environment.
        workload: The workload.
        image: What the containers that a release sets shall run.
        startup: What a container that starts is forgiven; the default if not given.
    """
    images = images_for(target, workload, image)
    return await health_of(client, workload, target.namespace_of(workload), images, startup)


async def _rendered_workloads(
    client: KubeClient, target: Target, image: str, *, wait: bool
) -> Sequence[KubeObject]:
    """The workloads that an agent rendered: those of the namespace with the app's image."""
    repository, namespace = ImageRef.parse(image).repository, target.rollout.namespace
    deadline = time.monotonic() + target.rollout.progress_deadline_seconds
    while time.monotonic() < deadline:
        workloads = await workloads_running(client, namespace, repository)
        if workloads or not wait:
            return workloads
        await asyncio.sleep(POLL_SECONDS)
    raise not_applied(target, None, Trouble(f"no workload there runs an image of {repository}"))
