"""Runs as the Prefect server tells of them."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any
from uuid import UUID

from prefect import get_client, task
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterParentFlowRunId,
)
from prefect.client.schemas.objects import Artifact, State
from prefect.exceptions import ObjectNotFound
from prefect.logging import disable_run_logger

from flows.reconcile import reconcile
from flows.release import release


async def run_release(
    app: str, revision: str | None = None, until: str = "commit", **more: str
) -> State[Any]:
    """Release to staging in this process; return the final state, whatever it is."""
    return await release(app, revision, until=until, return_state=True, **more)  # pyright: ignore


async def run_reconcile(app: str | None) -> State[Any]:
    """The agent's turn, in this process; return the final state, whatever it is."""
    return await reconcile("staging", app, return_state=True)  # pyright: ignore


def run_of(state: State[Any]) -> UUID:
    """The flow run that a state belongs to."""
    assert state.state_details.flow_run_id is not None
    return state.state_details.flow_run_id


async def artifacts(run: UUID) -> dict[str, Artifact]:
    """The artifacts of a flow run, by key."""
    of_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run]))
    async with get_client() as client:
        listed = await client.read_artifacts(artifact_filter=of_run)
    return {str(artifact.key): artifact for artifact in listed}


async def summary(app: str, state: State[Any], environment: str = "staging") -> dict[str, Any]:
    """The row for programs that a release left."""
    by_key = await artifacts(run_of(state))
    return json.loads(str(by_key[f"{app}-{environment}-summary"].data))[0]


async def report(app: str, state: State[Any]) -> str:
    """The page for people that a release left."""
    by_key = await artifacts(run_of(state))
    return str(by_key[f"{app}-staging-report"].data)


@task
def nothing() -> None:
    """What the server has of this task, it has of all that ran before it in this process."""


async def recorded() -> None:
    """Wait until the server has the tasks of the runs in this process.

    It has the end of a run at once. A task's states reach it as events, in their order, and later.
    """
    with disable_run_logger():
        last = nothing(return_state=True).state_details.task_run_id
    assert last is not None
    async with get_client() as client, asyncio.timeout(120):
        while True:
            with suppress(ObjectNotFound):
                state = (await client.read_task_run(last)).state
                if state is not None and state.is_final():
                    return
            await asyncio.sleep(0.1)


async def tasks_and_subflows(run: UUID) -> tuple[dict[str, State[Any]], dict[str, State[Any]]]:
    """Final states of the tasks of a run in this process and of its subflows, by name."""
    await recorded()
    async with get_client() as client:
        tasks = await client.read_task_runs(
            flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run]))
        )
        children = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[run]))
        subflows = await client.read_flow_runs(flow_run_filter=children)
    return (
        {task.name: task.state for task in tasks if task.state},
        {subflow.name: subflow.state for subflow in subflows if subflow.state},
    )
