"""Where a release is, by what Prefect's server says of its run, its subflows and its tasks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Literal, NamedTuple
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterParentFlowRunId,
)
from prefect.client.schemas.objects import FlowRun, TaskRun

Stage = Literal["code", "build", "unit", "integration", "e2e", "release", "deploy"]

STAGES: tuple[Stage, ...] = ("code", "build", "unit", "integration", "e2e", "release", "deploy")
POLL_SECONDS = 0.05
REACH_SECONDS = 300

# A subflow of these stages bears the stage's name; the others' tasks begin with a verb.
_LAYERS: tuple[Stage, ...] = ("unit", "integration", "e2e")
_VERBS: dict[str, Stage] = {"build ": "build", "push ": "release", "commit ": "deploy"}


class ReleaseRun(NamedTuple):
    """A flow run, and what it releases."""

    id: UUID
    app: str
    revision: str


class Point(NamedTuple):
    """In a stage, or between two of them; a later point is greater."""

    number: int
    name: str


BEFORE = Point(0, "before code")
END = Point(2 * len(STAGES) + 1, "after its end")


def within(stage: Stage) -> Point:
    """The point at which a stage is under way."""
    return Point(2 * STAGES.index(stage) + 1, stage)


def after(stage: Stage) -> Point:
    """The point at which a stage is over, and the next one has not begun."""
    return Point(2 * STAGES.index(stage) + 2, f"after {stage}")


async def where(client: PrefectClient, release: ReleaseRun) -> tuple[FlowRun, Point]:
    """The flow run of a release, and the point that it has come to."""
    run = await client.read_flow_run(release.id)
    subflows = await client.read_flow_runs(flow_run_filter=below(release.id))
    ids = [release.id, *(subflow.id for subflow in subflows)]
    tasks = await client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=ids)))
    return run, _point(release, run, [*subflows, *tasks])


def below(run: UUID) -> FlowRunFilter:
    """The subflows of a run."""
    return FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[run]))


async def reach(client: PrefectClient, release: ReleaseRun, stage: Stage) -> int:
    """Wait until a release is in a stage, or has missed it; return the run's process.

    Raises:
        TimeoutError: It never came there.
    """
    deadline, point = time.monotonic() + REACH_SECONDS, BEFORE
    while time.monotonic() < deadline:
        run, point = await where(client, release)
        is_final = run.state is not None and run.state.is_final()
        if run.infrastructure_pid and (is_final or point >= within(stage)):
            return int(run.infrastructure_pid)
        await asyncio.sleep(POLL_SECONDS)
    raise TimeoutError(f"run {release.id} never came to {stage}: it is {point.name}")


def _point(release: ReleaseRun, run: FlowRun, works: Iterable[FlowRun | TaskRun]) -> Point:
    # A run that was killed or cancelled stays where it was.
    if run.state is not None and run.state.is_completed():
        return END
    over: dict[Stage, bool] = {}
    # It is named anew once its revision is checked out.
    short = f"{release.app} {release.revision[:7]} → staging"
    if run.name in {short, f"{release.app} {release.revision} → staging"}:
        over["code"] = run.name == short
    for work in works:
        stage = _stage_of(work)
        if stage is not None:
            is_final = work.state is not None and work.state.is_final()
            over[stage] = over.get(stage, True) and is_final
    points = [after(stage) if is_over else within(stage) for stage, is_over in over.items()]
    return max(points, default=BEFORE)


def _stage_of(work: FlowRun | TaskRun) -> Stage | None:
    name = work.name
    if isinstance(work, FlowRun):
        return next((layer for layer in _LAYERS if name.startswith(f"{layer} · ")), None)
    return next((stage for verb, stage in _VERBS.items() if name.startswith(verb)), None)
