"""Deploy, by an agent that is there already: it is told which folder to apply."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect import get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort

from flows.runtime.external_task import external_task
from flows.runtime.reconcile_request import ask, takes_requests
from shipway.app_environment import AppEnvironment

FLOW = "reconcile"


@external_task("tell the agent of {app_environment.folder}")
async def tell_standing_agents(app_environment: AppEnvironment) -> bool:
    """Ask the agents that stay to apply an app's folder; whether there is one."""
    running = FlowRunFilterStateType(any_=[StateType.RUNNING])
    async with get_client() as client:
        runs = await client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=[FLOW])),
            flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=running)),
            sort=FlowRunSort.START_TIME_DESC,
        )
    agents = [run for run in runs if takes_requests(run, app_environment, datetime.now(UTC))]
    for agent in agents:
        await ask(agent.id, app_environment)
    return bool(agents)
