"""The cluster's agent, as a rollout sees it: it has applied a commit, or it has not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from shipway.errors import FailError
from shipway.kubernetes.apply import applied_fingerprint
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.objects import KubeObject
from shipway.rollout.target import Target

POLL_SECONDS = 0.5


class Trouble(NamedTuple):
    """Why an agent does not apply a commit.

    Attributes:
        words: Its own.
        remedy: What to do about it, if it is known better than where to look.
    """

    words: str
    remedy: str | None = None


# Why the agent will not apply the commit that it was given; None while it may, or has.
AgentFailure = Callable[[], Awaitable[Trouble | None]]


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
            late = Trouble("it has applied an earlier commit")
            raise not_applied(target, None, failure or late)
        await asyncio.sleep(POLL_SECONDS)


async def has_applied(client: KubeClient, target: Target, fingerprint: str) -> bool:
    """Whether Shipway's own agent has applied all that Git says."""
    return await _applied(client, target) == fingerprint


async def _applied(client: KubeClient, target: Target) -> str | None:
    return await applied_fingerprint(client, target.app, target.rollout.namespace)


def not_applied(target: Target, kube_object: KubeObject | None, trouble: Trouble) -> FailError:
    """The error for a commit that the agent has not applied to an object, or to any."""
    look = (
        "look at Argo CD or Flux, whichever follows the ops repository"
        if target.rollout.agent == "external"
        else "look at the runs of reconcile in the Prefect UI, and whether the pool has a worker"
    )
    namespace = f"namespace {target.rollout.namespace}"
    return FailError(
        f"The cluster's agent did not apply the release of {target.app} to {target.environment}.",
        where=target.address_of(kube_object) if kube_object else namespace,
        expected="the agent to apply what the ops repository says",
        got=trouble.words,
        untouched="the cluster; the commit stands in the ops repository and is applied later",
        remedy=trouble.remedy or look,
    )
