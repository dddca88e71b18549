"""Deploy, seen through: the agent is asked to apply, the cluster watched until it is healthy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from uuid import UUID

from prefect.logging import get_run_logger

from blocks.cluster import Cluster
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.tasks.agent.request import tell_standing_agents
from flows.tasks.agent.start_run import ask_agent, failure_of, not_applied
from flows.tasks.rollout.field_status import not_seen, see
from shipway.concurrency import fail_fast_group
from shipway.errors import BadVersionError
from shipway.image_ref import ImageRef, repository_of
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.health import Health
from shipway.kubernetes.objects import KubeObject, images_of
from shipway.kubernetes.workloads import health_of, last_words, workloads_running
from shipway.rollout.committed import Committed
from shipway.rollout.target import Target
from shipway.strategies.step import Ready, Step

POLL_SECONDS = 0.5
# For how long an agent that is there is waited for before another one is started.
AGENT_SECONDS = 6


async def follow(target: Target, committed: Committed, step: Step) -> str:
    """Have a step's commit applied, and watch until the cluster is there; return what it serves.

    The agent is asked for what an earlier run committed too: that one may not have lived to ask.
    """
    asked = None
    if target.rollout.agent == "reconcile" and (
        committed.new or not await is_applied(target, step)
    ):
        asked = await have_applied(target, step)
    return await watch_step(target, step, asked)


async def have_applied(target: Target, step: Step) -> UUID | None:
    """Have an agent apply a step: one that is there already, else a run of its own; return that."""
    environment, app = target.environment, target.app
    if await tell_standing_agents(environment, app) and await is_applied_soon(target, step):
        return None
    return await ask_agent(environment, app)


@external_task("wait for the agent of {target.environment}/{target.app}")
async def is_applied_soon(target: Target, step: Step) -> bool:
    """Whether the cluster is told what a step says while one waits for an agent that is there."""
    deadline = time.monotonic() + AGENT_SECONDS
    while not await _is_told(target, step):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True


@external_task("look at {target.app} in {target.environment}: {step.name}")
async def is_applied(target: Target, step: Step) -> bool:
    """Whether the cluster has been told what a step says."""
    return await _is_told(target, step)


async def _is_told(target: Target, step: Step) -> bool:
    cluster = await load_block(Cluster, target.cluster)
    async with cluster.client() as client:
        for said in step.expects:
            if said.field.kind == "field" and await not_seen(client, target, said) is not None:
                return False
        for ready in step.ready:
            found = await workloads_of(client, target, ready, wait=False)
            if not found:
                return False
            for workload in found:
                images = images_for(target, workload, ready.image)
                namespace = target.namespace_of(workload)
                if not (await health_of(client, workload, namespace, images)).applied:
                    return False
    return True


@external_task("watch {target.app} in {target.environment}: {step.name}")
async def watch_step(target: Target, step: Step, asked: UUID | None) -> str:
    """Watch until the cluster says what the step set, and its workloads are healthy.

    Args:
        target: The environment.
        step: What was committed.
        asked: The agent's run that was asked to apply the commit, if one was.
    """
    cluster = await load_block(Cluster, target.cluster)
    async with cluster.client() as client:
        # Before the agent has set the replicas, none of none would be healthy.
        for said in step.expects:
            if said.field.kind == "field":
                await see(client, target, said, asked)
        async with fail_fast_group() as group:
            watches = [
                group.create_task(_watch(client, target, workload, ready.image, asked))
                for ready in step.ready
                for workload in await workloads_of(client, target, ready)
            ]
    return "; ".join(watch.result() for watch in watches)


async def workloads_of(
    client: KubeClient, target: Target, ready: Ready, *, wait: bool = True
) -> Sequence[KubeObject]:
    """The workloads that something is to be waited for of; those that are rendered may come yet."""
    if ready.workload is not None:
        return [one for one in target.workloads if one.title == ready.workload]
    return target.workloads or await _rendered(client, target, ready.image, wait=wait)


def images_for(target: Target, workload: KubeObject, image: str) -> dict[str, str]:
    """The containers of a workload that a release sets, each with the wanted image."""
    repository = ImageRef.parse(image).repository
    return {
        name: image
        for name, current in images_of(workload).items()
        if name in target.containers or repository_of(current) == repository
    }


async def _rendered(
    client: KubeClient, target: Target, image: str, *, wait: bool
) -> Sequence[KubeObject]:
    """The workloads that an agent rendered: those of the namespace with the app's image."""
    repository, namespace = ImageRef.parse(image).repository, target.rollout.namespace
    deadline = time.monotonic() + target.rollout.progress_deadline_seconds
    while time.monotonic() < deadline:
        found = await workloads_running(client, namespace, repository)
        if found or not wait:
            return found
        await asyncio.sleep(POLL_SECONDS)
    raise not_applied(target, None, f"no workload there runs an image of {repository}")


async def _watch(
    client: KubeClient,
    target: Target,
    workload: KubeObject,
    image: str,
    asked: UUID | None,
) -> str:
    own = images_for(target, workload, image)
    namespace = target.namespace_of(workload)
    deadline = target.rollout.progress_deadline_seconds
    moved, last = time.monotonic(), None
    while True:
        health = await health_of(client, workload, namespace, own)
        if health != last:
            get_run_logger().info("%s: %s", workload.title, health.reason)
        if health.state == "healthy":
            return f"{workload.title}: {health.reason}"
        if health.state == "failed":
            words = await last_words(client, namespace, health)
            raise _failed(target, workload, health, words)
        if last is None or health.progress != last.progress:
            moved = time.monotonic()
        last = health
        if not health.applied and (words := await failure_of(asked)) is not None:
            raise not_applied(target, workload, words)
        if time.monotonic() - moved > deadline:
            words = f"no progress for {deadline:.0f} s"
            if not health.applied:
                raise not_applied(target, workload, words)
            raise _failed(target, workload, health, words)
        await asyncio.sleep(POLL_SECONDS)


def _failed(target: Target, workload: KubeObject, health: Health, words: str) -> BadVersionError:
    pod = f" pod {health.pod}" if health.pod else ""
    return BadVersionError(
        f"The rollout of {target.app} to {target.environment} fails.",
        where=f"{workload.title} in namespace {target.namespace_of(workload)}{pod}",
        expected=f"{health.wanted} pods that run the image and are ready",
        got="\n".join(part for part in (health.reason, words) if part),
        untouched="the pods of the version before, which go on serving",
        remedy="release a revision that starts, or put the old image back in the ops repository",
    )
