"""The cluster's agent, as a rollout sees it: it has applied a commit, or it has not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from shipway.errors import FailError
from shipway.kubernetes.apply import applied_fingerprint
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.objects import KubeObject
from shipway.rollout.target import Target

POLL_SECONDS = 0.5

# What the agent's run says that was asked to apply a commit; None while it goes on or went well.
AgentFailure = Callable[[], Awaitable[str | None]]


async def wait_until_applied(
    client: KubeClient,
    target: Target,
    fingerprint: Callable[[], Awaitable[str]],
    agent_failure: AgentFailure,
) -> None:
    """Wait until Shipway's own agent has applied all that Git says.

    The same image may come with another configuration: pods of before say nothing of it.

    Args:
        client: The cluster.
        target: The environment.
        fingerprint: Reads what Git says at its tip, which may move on.
        agent_failure: Why the agent's run failed that was asked to apply the commit, if it did.

    Raises:
        FailError: The agent does not apply it.
    """
    deadline = time.monotonic() + target.rollout.progress_deadline_seconds
    desired, before = await fingerprint(), None
    while (applied := await _applied(client, target)) != desired:
        if applied != before:
            desired, before = await fingerprint(), applied
            continue
        failure = await agent_failure()
        if failure is not None or time.monotonic() > deadline:
            raise not_applied(target, None, failure or "it has applied an earlier commit")
        await asyncio.sleep(POLL_SECONDS)


async def has_applied(client: KubeClient, target: Target, fingerprint: str) -> bool:
    """Whether Shipway's own agent has applied all that Git says."""
    return await _applied(client, target) == fingerprint


async def _applied(client: KubeClient, target: Target) -> str | None:
    return await applied_fingerprint(client, target.app, target.rollout.namespace)


def not_applied(target: Target, kube_object: KubeObject | None, words: str) -> FailError:
    """The error for a commit that the agent has not applied to an object, or to any."""
    external = target.rollout.agent == "external"
    namespace = f"namespace {target.rollout.namespace}"
    return FailError(
        f"The cluster's agent did not apply the release of {target.app} to {target.environment}.",
        where=target.address_of(kube_object) if kube_object else namespace,
        expected="the agent to apply what the ops repository says",
        got=words,
        untouched="the cluster; the commit stands in the ops repository and is applied later",
        remedy="look at Argo CD or Flux, whichever follows the ops repository"
        if external
        else "look at the runs of reconcile in the Prefect UI, and whether the pool has a worker",
    )
