"""Deploy, by the agent: it is asked to apply a commit, and what it says where it does not."""

from __future__ import annotations

from uuid import UUID

from prefect import get_client
from prefect.deployments.flow_runs import arun_deployment
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger

from flows.runtime.external_task import external_task
from shipway.errors import FailError
from shipway.kubernetes.objects import KubeObject
from shipway.rollout.target import Target

AGENT = "reconcile/on-commit"


@external_task("ask the agent for {environment}/{app}")
async def ask_agent(environment: str, app: str) -> UUID | None:
    """Start the agent's deployment now instead of at its next turn; return the flow run."""
    wanted = {"environment": environment, "app": app}
    try:
        run = await arun_deployment(AGENT, parameters=wanted, timeout=0, as_subflow=False)
    except ObjectNotFound:
        get_run_logger().warning(
            "There is no deployment %s to ask; the commit waits for the cluster's agent. "
            "`prefect deploy --all` makes it.",
            AGENT,
        )
        return None
    return run.id


async def failure_of(run: UUID | None) -> str | None:
    """What a flow run that failed says; None for one that goes on or went well."""
    if run is None:
        return None
    async with get_client() as client:
        state = (await client.read_flow_run(run)).state
    if state is None or not state.is_final() or state.is_completed():
        return None
    return state.message or state.name


def not_applied(target: Target, found: KubeObject | None, words: str) -> FailError:
    """The error for a commit that the agent has not applied to an object."""
    external = target.rollout.agent == "external"
    namespace = target.rollout.namespace if found is None else target.namespace_of(found)
    title = f"{found.title} in " if found else ""
    return FailError(
        f"The cluster's agent did not apply the release of {target.app} to {target.environment}.",
        where=f"{title}namespace {namespace}",
        expected="the agent to apply what the ops repository says",
        got=words,
        untouched="the cluster; the commit stands in the ops repository and is applied later",
        remedy="look at Argo CD or Flux, whichever follows the ops repository"
        if external
        else "look at the runs of reconcile in the Prefect UI, and whether the pool has a worker",
    )
