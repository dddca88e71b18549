"""A step in the cluster: whether it is applied, and how its workloads get on until healthy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from shipway import commands
from shipway.concurrency import fail_fast_group
from shipway.errors import BadVersionError, ShipwayError
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.health import Health
from shipway.kubernetes.objects import KubeObject
from shipway.kubernetes.obstacles import Obstacle
from shipway.kubernetes.workloads import end_of_log, last_words
from shipway.rollout.agent import POLL_SECONDS, AgentFailure, Trouble, not_applied
from shipway.rollout.cannot_go_on import cannot_go_on
from shipway.rollout.target import Target
from shipway.rollout.wait_for_field import field_difference, wait_for_field
from shipway.rollout.waits import Waits
from shipway.rollout.workloads import workload_health, workloads_of
from shipway.strategies.step import Step


async def cluster_has(client: KubeClient, target: Target, step: Step) -> bool:
    """Whether the cluster has been told what a step says."""
    for edit in step.expects:
        if not edit.field.is_image and await field_difference(client, target, edit) is not None:
            return False
    for ready in step.ready:
        workloads = await workloads_of(client, target, ready, wait=False)
        if not workloads:
            return False
        for workload in workloads:
            health = await workload_health(client, target, workload, ready.image)
            if not health.applied:
                return False
    return True


async def wait_until_healthy(
    client: KubeClient,
    target: Target,
    step: Step,
    agent_failure: AgentFailure,
    tell: Callable[[str], None],
    warn: Callable[[str], None],
) -> str:
    """Wait until the cluster says what a step set, and its workloads are healthy.

    Args:
        client: The cluster.
        target: The environment.
        step: What was committed.
        agent_failure: Why the agent will not apply the commit, if it will not.
        tell: Told how each workload gets on, for people.
        warn: Told what keeps a workload from getting on, and once that is over.

    Returns:
        What the workloads run, for people.

    Raises:
        BadVersionError: A workload fails, or gets no further.
        FailError: The agent does not apply the commit.
        HaltError: The cluster keeps the version from being tried, or from its requests.
    """
    # Before the agent has set the replicas, none of none would be healthy.
    for edit in step.expects:
        if not edit.field.is_image:
            await wait_for_field(client, target, edit, agent_failure, warn)
    async with fail_fast_group() as group:
        watches = [
            group.create_task(
                _watch_workload(client, target, workload, ready.image, agent_failure, tell, warn)
            )
            for ready in step.ready
            for workload in await workloads_of(client, target, ready)
        ]
    return "; ".join(watch.result() for watch in watches)


async def _watch_workload(
    client: KubeClient,
    target: Target,
    workload: KubeObject,
    image: str,
    agent_failure: AgentFailure,
    tell: Callable[[str], None],
    warn: Callable[[str], None],
) -> str:
    """Watch one workload until it is healthy; what moves puts the deadline off."""
    namespace = target.namespace_of(workload)
    deadline_seconds = _deadline_seconds(target, workload)
    moved, last, waits = time.monotonic(), None, Waits()
    while True:
        health = await workload_health(client, target, workload, image, target.rollout.startup)
        if last is None or (health.state, health.progress) != (last.state, last.progress):
            tell(f"{workload.title}: {health.reason}")
        if health.state in {"failed", "blocked"}:
            raise _red(target, workload, health, await last_words(client, namespace, health))
        for words in await _news(client, namespace, waits, health):
            warn(f"{workload.title} {words}")
        if health.state == "healthy":
            return f"{workload.title}: {health.reason}"
        if last is None or health.progress != last.progress:
            moved = time.monotonic()
        last = health
        if not health.applied and (trouble := await agent_failure()) is not None:
            raise not_applied(target, workload, trouble)
        if time.monotonic() - moved > deadline_seconds:
            words = f"no progress for {deadline_seconds:.0f} s"
            if not health.applied:
                raise not_applied(target, workload, Trouble(words))
            raise _red(target, workload, health, words)
        await asyncio.sleep(POLL_SECONDS)


async def _news(client: KubeClient, namespace: str, waits: Waits, health: Health) -> list[str]:
    """What a workload waits for now and did not before, or that it waits no more."""
    if waits.are_over(health.obstacles):
        return ["waits for that no more"]
    new = waits.new(health.obstacles, time.monotonic())
    return [f"waits: {await _in_full(client, namespace, obstacle)}" for obstacle in new]


async def _in_full(client: KubeClient, namespace: str, obstacle: Obstacle) -> str:
    """What a workload waits for, with the end of the log of a container that ended."""
    if obstacle.pod is None:
        return obstacle.words
    log = await end_of_log(client, namespace, obstacle.pod, obstacle.container)
    return f"{obstacle.words}\n{log}".strip()


def _deadline_seconds(target: Target, workload: KubeObject) -> float:
    """How long a workload may get no further: what rollout.yaml says, else its own manifest."""
    own = (workload.body.get("spec") or {}).get("progressDeadlineSeconds")
    given = "progress_deadline_seconds" in target.rollout.model_fields_set
    return target.rollout.progress_deadline_seconds if given or own is None else float(own)


def _red(target: Target, workload: KubeObject, health: Health, words: str) -> ShipwayError:
    """The error for a workload that gets no further: the version is bad where a pod of it is."""
    expected = f"{health.desired_replicas} pods that run the image and are ready"
    got = "\n".join(part for part in (health.reason, words) if part)
    untouched = "the pods of the version before, which go on serving"
    if health.pod is None:
        return cannot_go_on(target, workload, expected=expected, got=got, untouched=untouched)
    return BadVersionError(
        f"The rollout of {target.app} to {target.environment} fails.",
        where=f"{target.address_of(workload)} pod {health.pod}",
        expected=expected,
        got=got,
        untouched=untouched,
        remedy=f"release a revision that starts, or {commands.rollback(target.app_environment)}",
    )
