"""The cluster's agent, as a rollout sees it: it has applied a commit, or it has not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from shipway.errors import FailError
from shipway.kubernetes.objects import KubeObject
from shipway.rollout.target import Target

# What the agent's run says that was asked to apply a commit; None while it goes on or went well.
AgentFailure = Callable[[], Awaitable[str | None]]


def not_applied(target: Target, kube_object: KubeObject | None, words: str) -> FailError:
    """The error for a commit that the agent has not applied to an object, or to any."""
    external = target.rollout.agent == "external"
    if kube_object is None:
        where = f"namespace {target.rollout.namespace}"
    else:
        where = f"{kube_object.title} in namespace {target.namespace_of(kube_object)}"
    return FailError(
        f"The cluster's agent did not apply the release of {target.app} to {target.environment}.",
        where=where,
        expected="the agent to apply what the ops repository says",
        got=words,
        untouched="the cluster; the commit stands in the ops repository and is applied later",
        remedy="look at Argo CD or Flux, whichever follows the ops repository"
        if external
        else "look at the runs of reconcile in the Prefect UI, and whether the pool has a worker",
    )
