"""Deploy, by an agent that is there already: a request to it takes no process to start.

A run of reconcile stays for a while and takes requests, as inputs of its flow run. The request says
which folder to look at and nothing else: what is applied is what Git says.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

from prefect import get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.input import RunInput

from flows.runtime.external_task import external_task

FLOW = "reconcile"
POLL_SECONDS = 0.3


class ReconcileRequest(RunInput):
    """Asks for one app's folder to be applied."""

    environment: str
    app: str


async def requests(seconds: float) -> AsyncGenerator[ReconcileRequest]:
    """The requests that come to this run, one after the other, until the time is over."""
    over = time.monotonic() + seconds
    coming = ReconcileRequest.receive(timeout=seconds, poll_interval=POLL_SECONDS)
    while (left := over - time.monotonic()) > 0:
        coming.timeout = left
        request = await anext(coming, None)
        if request is not None:
            yield request


@external_task("tell the agent of {environment}/{app}")
async def tell_standing_agents(environment: str, app: str) -> bool:
    """Ask the agents that stay to apply an app's folder; whether there is one."""
    running = FlowRunFilterStateType(any_=[StateType.RUNNING])
    async with get_client() as client:
        found = await client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=[FLOW])),
            flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=running)),
            sort=FlowRunSort.START_TIME_DESC,
        )
    there = [one for one in found if takes(one, environment, app, datetime.now(UTC))]
    for one in there:
        await ReconcileRequest(environment=environment, app=app).asend_to(one.id)
    return bool(there)


def takes(run: FlowRun, environment: str, app: str, now: datetime) -> bool:
    """Whether a run that goes on takes requests for an app's folder.

    One whose process was killed stays Running in Prefect, long after it would have ended.
    """
    if run.start_time is None:
        return False
    over = run.start_time + timedelta(seconds=float(run.parameters.get("stay") or 0))
    of = (run.parameters.get("environment"), run.parameters.get("app"))
    return now < over and of[0] in {None, environment} and of[1] in {None, app}
