"""Deploy, by the agent: a run of it that applies a commit, and what it says where it fails."""

from __future__ import annotations

from uuid import UUID

from prefect import get_client
from prefect.deployments.flow_runs import arun_deployment
from prefect.exceptions import ObjectNotFound

from flows.runtime.external_task import external_task
from flows.runtime.opened_run import opened_run_log
from shipway.app_environment import AppEnvironment
from shipway.rollout.agent import Trouble

AGENT = "reconcile/on-commit"


@external_task("start the agent for {app_environment.folder}")
async def start_agent(app_environment: AppEnvironment) -> UUID | None:
    """Start the agent's deployment now instead of at its next turn; return the flow run."""
    parameters = app_environment.model_dump()
    try:
        run = await arun_deployment(AGENT, parameters=parameters, timeout=0, as_subflow=False)
    except ObjectNotFound:
        opened_run_log().warning(
            "There is no deployment %s to ask; the commit waits for the cluster's agent. "
            "`prefect deploy --all` makes it.",
            AGENT,
        )
        return None
    return run.id


async def failure_of(run: UUID | None) -> Trouble | None:
    """What a flow run that failed says; None for one that goes on or went well."""
    if run is None:
        return None
    async with get_client() as client:
        state = (await client.read_flow_run(run)).state
    if state is None or not state.is_final() or state.is_completed():
        return None
    return Trouble(state.message or str(state.name))
