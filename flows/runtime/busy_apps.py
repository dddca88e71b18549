"""Apps that have something going on: what their runs may need is left alone."""

from __future__ import annotations

from collections.abc import AsyncIterator

from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort

PAGE = 200
_TAG = "app:"


async def busy_apps() -> frozenset[str]:
    """The apps of which a run goes on, waits for a person, or is about to begin."""
    open_states = [state for state in StateType if state not in TERMINAL_STATES]
    wanted = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=open_states)))
    async with get_client() as client:
        return frozenset([app async for run in each_run(client, wanted) for app in apps_of(run)])


async def each_run(client: PrefectClient, wanted: FlowRunFilter) -> AsyncIterator[FlowRun]:
    """The runs of a filter, page by page, the oldest first."""
    offset = 0
    while True:
        runs = await client.read_flow_runs(
            flow_run_filter=wanted, sort=FlowRunSort.START_TIME_ASC, limit=PAGE, offset=offset
        )
        for run in runs:
            yield run
        if len(runs) < PAGE:
            return
        offset += PAGE


def apps_of(run: FlowRun) -> set[str]:
    """The apps that an open run is about: by its tags, and by its parameters once it is due.

    A night that is scheduled for tomorrow needs nothing yet.
    """
    apps = {tag.removeprefix(_TAG) for tag in run.tags if tag.startswith(_TAG)}
    app = run.parameters.get("app")
    if run.state_type is not StateType.SCHEDULED and isinstance(app, str):
        apps.add(app)
    return apps
