"""What is left of a run: on the engine, among the processes, and for Prefect."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import NamedTuple

from docker import DockerClient
from prefect.client.orchestration import PrefectClient

from bench.kills.processes import is_alive, processes_of
from bench.kills.stages import ReleaseRun, below
from shipway.runners.labels import RUN_LABEL

# What is removed after the end of a run was told.
SETTLE_SECONDS = 10
POLL_SECONDS = 0.5


class Left(NamedTuple):
    """How much there is; the names of the subflows that go on, as Prefect has it."""

    containers: int
    networks: int
    processes: int
    subflows: tuple[str, ...]

    @property
    def on_machine(self) -> bool:
        """Whether a container, a network or a process is left."""
        return bool(self.containers or self.networks or self.processes)

    @property
    def anything(self) -> bool:
        """Whether anything is left."""
        return self.on_machine or bool(self.subflows)

    def __str__(self) -> str:
        """What there is."""
        counts = {
            "containers": self.containers,
            "networks": self.networks,
            "processes": self.processes,
        }
        parts = [f"{count} {name}" for name, count in counts.items() if count]
        parts += [f"{name!r} goes on in Prefect" for name in self.subflows]
        return ", ".join(parts) or "nothing"


class Traces(NamedTuple):
    """What a run may leave.

    Attributes:
        release: The run.
        leader: Its own process.
        gone: Other processes that are to end with it.
        folder: Where nothing but the app's runs works.
    """

    release: ReleaseRun
    leader: int
    gone: frozenset[int]
    folder: Path


async def what_is_left(client: PrefectClient, engine: DockerClient, traces: Traces) -> Left:
    """What is left once all had some seconds to end."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        left = await _look(client, engine, traces)
        if not left.anything or time.monotonic() > deadline:
            return left
        await asyncio.sleep(POLL_SECONDS)


def containers_of(engine: DockerClient, release: ReleaseRun, *, running: bool) -> int:
    """How many containers the engine has of a run.

    Args:
        engine: The engine.
        release: The run.
        running: Count those alone that run.
    """
    label = {"label": f"{RUN_LABEL}={release.id}"}
    return len(engine.api.containers(all=not running, filters=label))


async def _look(client: PrefectClient, engine: DockerClient, traces: Traces) -> Left:
    release = traces.release
    subflows = await client.read_flow_runs(flow_run_filter=below(release.id))
    label: dict[str, str | list[str] | bool] = {"label": f"{RUN_LABEL}={release.id}"}
    processes = await asyncio.to_thread(processes_of, release.id, traces.leader, traces.folder)
    return Left(
        containers=await asyncio.to_thread(containers_of, engine, release, running=False),
        networks=len(await asyncio.to_thread(engine.networks.list, filters=label)),
        processes=len(processes | {process for process in traces.gone if is_alive(process)}),
        subflows=tuple(
            subflow.name
            for subflow in subflows
            if subflow.state is None or not subflow.state.is_final()
        ),
    )
