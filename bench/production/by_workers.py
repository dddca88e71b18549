"""Releases by one, two and four workers: how many an hour, how long each, and what they cost."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from pydantic import BaseModel, ConfigDict

from bench.kills.stages import below
from bench.production.calls import Called, Ended, closed_loop, runs_of, timed
from bench.production.connections import watched_connections
from bench.production.cpu import cpu_seconds
from bench.production.fleet import Fleet, fleet
from bench.production.small_apps import SmallApp, change, small_apps

WORKERS = (1, 2, 4)
RELEASES = 12
# The sandbox has schedules of a minute.
IDLE_SECONDS = 60
SETTLE_SECONDS = 5


class Measured(BaseModel):
    """What some workers, each with one run at a time, made of releases.

    Attributes:
        workers: How many there were, and how many releases went on at once.
        releases: How many were made.
        seconds: How long all took.
        each: How long each took.
        cpu: CPU seconds of each part, per release.
        idle: CPU seconds of each part in a second in which nothing was released.
        connections: Seconds that a release has a connection of the database at work.
        commit_seconds: What the commit in the ops repository took, in the mean.
    """

    model_config = ConfigDict(frozen=True)

    workers: int
    releases: int
    seconds: float
    each: list[Ended]
    cpu: dict[str, float]
    idle: dict[str, float]
    connections: float
    commit_seconds: float

    @property
    def an_hour(self) -> float:
        """Releases an hour."""
        return 3600 * self.releases / self.seconds


async def measure_workers() -> list[Measured]:
    """Release the same apps by more and more workers."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        async with get_client() as client, small_apps(RELEASES) as apps:
            idle = await _idle(client, Path(folder), apps[0])
            return [await _measure(client, Path(folder), apps, count, idle) for count in WORKERS]


async def _measure(
    client: PrefectClient,
    folder: Path,
    apps: Sequence[SmallApp],
    count: int,
    idle: Mapping[str, float],
) -> Measured:
    async with fleet(client, folder, count, limit=1) as workers:
        await _release_before(workers, apps[:count])
        for app in apps:
            change(app)
        before = cpu_seconds(workers.processes)
        async with watched_connections() as connections:
            calls, seconds = await closed_loop(workers.pool.deployment, apps, count)
        cpu = _share(before, cpu_seconds(workers.processes), len(calls))
    runs = await runs_of(client, calls)
    if red := [run.name for run in runs if run.state_name != "Completed"]:
        raise SystemExit(f"✗ a release that is left alone is not completed: {', '.join(red)}")
    return Measured(
        workers=count,
        releases=len(calls),
        seconds=seconds,
        each=[timed(run) for run in runs],
        cpu={part: max(0.0, cpu[part] - idle[part] * seconds / len(calls)) for part in cpu},
        idle=dict(idle),
        connections=connections.mean * seconds / len(calls),
        commit_seconds=fmean([await _commit_seconds(client, called) for called in calls]),
    )


async def _idle(client: PrefectClient, folder: Path, app: SmallApp) -> dict[str, float]:
    """CPU seconds of each part in a second in which a worker waits for releases."""
    async with fleet(client, folder, 1, limit=1) as workers:
        await _release_before(workers, [app])
        # What servers do beside a release is over by then.
        await asyncio.sleep(SETTLE_SECONDS)
        before = cpu_seconds(workers.processes)
        await asyncio.sleep(IDLE_SECONDS)
        return _share(before, cpu_seconds(workers.processes), IDLE_SECONDS)


async def _release_before(workers: Fleet, apps: Sequence[SmallApp]) -> None:
    """Release once by each worker: its runs' imports and its clones are there afterwards."""
    for app in apps:
        change(app)
    await closed_loop(workers.pool.deployment, apps, len(apps))


def _share(before: Mapping[str, float], after: Mapping[str, float], of: int) -> dict[str, float]:
    return {part: (after[part] - before[part]) / of for part in after}


async def _commit_seconds(client: PrefectClient, release: Called) -> float:
    """How long the task took that commits; its row comes a little later than the run's end."""
    async with asyncio.timeout(60):
        while True:
            subflows = await client.read_flow_runs(flow_run_filter=below(release.run))
            ids = FlowRunFilterId(any_=[subflow.id for subflow in subflows])
            tasks = await client.read_task_runs(flow_run_filter=FlowRunFilter(id=ids))
            for task in tasks:
                if task.name.startswith("commit ") and task.total_run_time:
                    return task.total_run_time.total_seconds()
            await asyncio.sleep(0.5)
