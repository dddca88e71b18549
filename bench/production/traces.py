"""What a release leaves on Prefect's servers and in the ops repository, counted."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterId,
)
from prefect.events import Event
from prefect.events.filters import EventFilter

from bench.kills.outside import committed_images, digest_of
from bench.kills.stages import below
from bench.production.calls import Called

# Events, and the rows that servers make of them, come beside the runs.
LATEST_SECONDS = 90
LOOK_SECONDS = 1.0
# They depend on when somebody looked, or on how fast the machine is, not on what the run did.
_PROGRESS = "progress"
_BY_THE_CLOCK = ["prefect.flow-run.heartbeat", "prefect.flow-run.Late"]
_COMPLETED = "prefect.task-run.Completed"
_TASK_RUN = "task run "
_EVENT = "event "
_OF_TASK_RUNS = (_TASK_RUN, f"{_EVENT}{_COMPLETED} ")


class Counted(NamedTuple):
    """What is not as it is of a release that was left alone.

    Attributes:
        lost: What is missing, a line each.
        twice: What is there too often, a line each.
        untold: Events of task runs that are missing, and what servers make of them, a line each:
            see PrefectHQ/prefect#21588. What the tasks did is counted by itself.
    """

    lost: list[str]
    twice: list[str]
    untold: list[str]


async def traces_of(client: PrefectClient, release: Called) -> Counter[str]:
    """What is there of a release, without its names: events, task runs, artifacts and commits."""
    own, subflows = (
        await client.read_flow_run(release.run),
        await client.read_flow_runs(flow_run_filter=below(release.run)),
    )
    names = {f"prefect.flow-run.{run.id}": run.name for run in (own, *subflows)}
    ids = [own.id, *(subflow.id for subflow in subflows)]
    of_runs = EventFilter.model_validate(
        {
            "resource": {"id": list(names)},
            "event": {"prefix": ["prefect.flow-run."], "exclude_name": _BY_THE_CLOCK},
        }
    )
    of_tasks = EventFilter.model_validate(
        {"related": {"id": list(names)}, "event": {"name": [_COMPLETED]}}
    )
    tasks = await client.read_task_runs(
        flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=ids)), limit=200
    )
    artifacts = await client.read_artifacts(
        artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=ids)), limit=200
    )
    digest = digest_of(release.app, release.revision) or "none"
    images = committed_images(release.app, release.revision)
    found = [
        *(f"{_EVENT}{e.event} of {names[e.resource.id]}" for e in await _events(client, of_runs)),
        *(f"{_EVENT}{e.event} of {e.resource.name}" for e in await _events(client, of_tasks)),
        *(f"{_TASK_RUN}{task.name}, {task.state_name}" for task in tasks),
        *(f"artifact {artifact.key}" for artifact in artifacts if artifact.type != _PROGRESS),
        *(f"commit of {'its' if image.endswith(digest) else 'another'} image" for image in images),
    ]
    return Counter(_without_names(line, release) for line in found)


async def unlike(
    client: PrefectClient, releases: Sequence[Called], alone: Mapping[str, int]
) -> Counted:
    """What is missing of releases and what is there too often; what is missing is waited for.

    Args:
        client: The Prefect server.
        releases: Releases that are over.
        alone: The traces of one that was left alone.
    """
    deadline = time.monotonic() + LATEST_SECONDS
    counted, rest = Counted([], [], []), list(releases)
    while rest:
        late = list[Called]()
        for release in rest:
            found = await traces_of(client, release)
            missing, more = Counter(alone) - found, found - Counter(alone)
            if missing and time.monotonic() < deadline:
                late.append(release)
                continue
            for line in missing.elements():
                of_task = line.startswith(_OF_TASK_RUNS)
                (counted.untold if of_task else counted.lost).append(f"{release.app}: {line}")
            for line in more.elements():
                # One that stays as it was when its last event was lost is told of already.
                if not line.startswith(_TASK_RUN) or line.endswith(", Completed"):
                    counted.twice.append(f"{release.app}: {line}")
        rest = late
        await asyncio.sleep(LOOK_SECONDS if rest else 0)
    return counted


def is_of_event(line: str) -> bool:
    """Whether a line of `Counted` tells of an event."""
    return line.partition(": ")[2].startswith(_EVENT)


async def _events(client: PrefectClient, those: EventFilter) -> Sequence[Event]:
    page = await client.read_events(those, limit=50)
    assert page.total <= len(page.events), "one page has them all"
    return page.events


def _without_names(line: str, release: Called) -> str:
    return line.replace(release.app, "APP").replace(release.revision[:7], "REVISION")
