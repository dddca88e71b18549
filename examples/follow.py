"""Start a release on the Prefect server and follow it in the terminal."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterParentFlowRunId,
)
from prefect.client.schemas.objects import State, TaskRun
from prefect.client.schemas.sorting import TaskRunSort
from prefect.deployments.flow_runs import arun_deployment
from prefect.states import Cancelling
from rich.console import Console

POLL_SECONDS = 0.5


class RunFailed(Exception):
    """The run ended in another state than Completed; the message is the run's own."""


class NoCluster(Exception):
    """The cluster that the run waits for will not come up; the run was cancelled."""


async def release(
    console: Console, app: str, revision: str, environment: str, until: str
) -> dict[str, Any]:
    """Run release/release to its end; return its summary row.

    Raises:
        RunFailed: The run failed.
        NoCluster: It waited for a cluster that cannot be built.
    """
    parameters = {"app": app, "revision": revision, "environment": environment, "until": until}
    run = await arun_deployment(
        "release/release", parameters=parameters, timeout=0, as_subflow=False
    )
    async with get_client() as client:
        await follow(console, client, run.id)
        return await summary(client, run.id, f"{app}-{environment}-summary")


async def follow(console: Console, client: PrefectClient, run: UUID) -> None:
    """Print each task of the run and its subflows as it ends, until the run is over."""
    shown: set[UUID] = set()
    cluster = "ready"
    while True:
        state = await state_of(client, run)
        for task in await tasks_of(client, run):
            if task.state is not None and task.state.is_final() and task.id not in shown:
                shown.add(task.id)
                console.print(line(task))
        if state.is_completed():
            return
        if state.is_final():
            raise RunFailed(state.message or state.name)
        if state.is_running() and (now := cluster_phase()) != cluster:
            cluster = now
            if now.startswith("failed"):
                await client.set_flow_run_state(run, Cancelling(), force=True)
                raise NoCluster(now)
            console.print(f"  [dim]cluster: {now}[/dim]")
        await asyncio.sleep(POLL_SECONDS)


async def state_of(client: PrefectClient, run: UUID) -> State[Any]:
    """The state of a flow run."""
    state = (await client.read_flow_run(run)).state
    assert state is not None
    return state


async def tasks_of(client: PrefectClient, run: UUID) -> list[TaskRun]:
    """The task runs of a flow run and its subflows, in the order they ended."""
    parents = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[run]))
    subflows = await client.read_flow_runs(flow_run_filter=parents)
    runs = FlowRunFilter(id=FlowRunFilterId(any_=[run, *(subflow.id for subflow in subflows)]))
    tasks = await client.read_task_runs(flow_run_filter=runs, sort=TaskRunSort.END_TIME_DESC)
    # A subflow has a task run of its own in its parent, which would be shown beside its tasks.
    return [task for task in reversed(tasks) if not _is_subflow(task)]


def _is_subflow(task: TaskRun) -> bool:
    return task.state is not None and task.state.state_details.child_flow_run_id is not None


def line(task: TaskRun) -> str:
    """A task that ended, for people."""
    assert task.state is not None
    mark = "[green]✓[/green]" if task.state.is_completed() else "[red]✗[/red]"
    return f"  {mark} {task.name:<56}{task.total_run_time.total_seconds():6.1f} s"


def cluster_phase() -> str:
    """How far the sandbox's cluster is."""
    file = Path(os.environ["SHIPWAY_STATE"], "cluster.json")
    if not file.exists():
        return "ready"
    cluster = json.loads(file.read_text())
    if cluster["phase"] == "building":
        return f"building, {cluster['percent']} % (once on this machine)"
    return f"failed: {cluster['reason']}" if cluster["phase"] == "failed" else cluster["phase"]


async def summary(client: PrefectClient, run: UUID, key: str) -> dict[str, Any]:
    """The row that a release leaves for programs."""
    by_key = ArtifactFilter(
        flow_run_id=ArtifactFilterFlowRunId(any_=[run]), key=ArtifactFilterKey(any_=[key])
    )
    (artifact,) = await client.read_artifacts(artifact_filter=by_key)
    assert isinstance(artifact.data, str)
    return json.loads(artifact.data)[0]
