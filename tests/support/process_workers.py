"""A process worker of a test's own, the code of a flow that it runs, and what its runs do."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from prefect import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import FlowRun, State
from prefect.workers.base import BaseWorker

from tests.support.processes import is_alive, process_of_part

PREFECT = str(Path(sys.executable).with_name("prefect"))
FLOWS = """
    import os, sys, time
    from pathlib import Path

    from prefect import flow, pause_flow_run
    from prefect.logging import get_run_logger

    SEEN = []

    def note(folder, *words):
        with Path(folder, "notes").open("a") as notes:
            print(*words, file=notes)

    async def cancelled(flow, flow_run, state):
        note(flow_run.parameters["folder"], "cancelled", flow_run.id)

    def crashed(flow, flow_run, state):
        note(flow_run.parameters["folder"], "crashed", flow_run.id)

    @flow(on_cancellation=[cancelled], on_crashed=[crashed])
    def work(
        folder: str,
        seconds: float = 0,
        fail: bool = False,
        talk: bool = False,
        wait: bool = False,
    ) -> None:
        get_run_logger().info("this is version %s", VERSION)
        print("on standard output")
        note(folder, "began", os.getpid())
        if wait:
            pause_flow_run(timeout=3600, poll_interval=1)
        time.sleep(seconds)
        if talk:
            get_run_logger().info("still here")
        SEEN.append(1)
        os.environ["LEFT"] = "behind"
        if fail:
            raise ValueError("no good")
        note(folder, "ended", os.getcwd(), len(SEEN), os.environ.get("GIVEN"))
"""


@dataclass(frozen=True)
class Worker:
    """A worker with a work pool, the code of a flow, and the flow's deployment."""

    pool: str
    code: Path
    process: subprocess.Popen[bytes]
    log: Path
    deployment: uuid.UUID


@dataclass(frozen=True)
class Runs:
    """What a test starts on a worker, and the notes that its runs leave."""

    worker: Worker
    folder: Path

    async def start(
        self, env: dict[str, str] | None = None, tags: Iterable[str] = (), **parameters: Any
    ) -> FlowRun:
        """Start a run of the flow."""
        async with get_client() as client:
            return await client.create_flow_run_from_deployment(
                self.worker.deployment,
                parameters={"folder": str(self.folder), **parameters},
                job_variables={"env": env} if env else None,
                tags=tags,
            )

    @property
    def notes(self) -> list[list[str]]:
        """What runs have noted, a line each."""
        file = self.folder / "notes"
        return [line.split() for line in file.read_text().splitlines()] if file.exists() else []

    async def began(self) -> int:
        """The process of a run that works by now."""
        await until(lambda: bool(self.notes))
        return int(self.notes[-1][1])


async def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def kill_part(part: str) -> None:
    """End a part of the sandbox, with all that it started, without a word."""
    process = process_of_part(part)
    os.killpg(process, signal.SIGKILL)
    await until(lambda: not is_alive(process))


async def over(run: FlowRun) -> State[Any]:
    """The state that a run ends with."""
    return await reached(run, State.is_final)


async def pending(run: FlowRun) -> None:
    """Wait until a worker has taken a run."""
    await reached(run, State.is_pending)


async def reached(run: FlowRun, is_meant: Callable[[State[Any]], bool]) -> State[Any]:
    """The first state of a run that is meant."""
    state = None
    async with get_client() as client:
        for _ in range(900):
            state = (await client.read_flow_run(run.id)).state
            if state is not None and is_meant(state):
                return state
            await asyncio.sleep(0.2)
    pytest.fail(f"the run stays {state}")


async def logged(run: FlowRun, words: str) -> bool:
    """Whether a run has logged something; what it says last may come after its state."""
    with suppress(TimeoutError):
        async with asyncio.timeout(20):
            while words not in await log_of(run):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
            return True
    return False


async def log_of(run: FlowRun) -> str:
    """What a run has logged so far."""
    async with get_client() as client:
        logs = await client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id])))
    return "\n".join(entry.message for entry in logs)


async def task_names(run: FlowRun) -> list[str]:
    """The tasks of a run and of its subflows."""
    runs = {"flow_runs": {"parent_flow_run_id": {"any_": [run.id]}}}
    async with get_client() as client:
        subflows = await client.read_flow_runs(
            flow_run_filter=FlowRunFilter.model_validate(runs["flow_runs"])
        )
        whole = FlowRunFilter(id=FlowRunFilterId(any_=[run.id, *(one.id for one in subflows)]))
        tasks = await client.read_task_runs(flow_run_filter=whole, limit=200)
    return [task.name for task in tasks]


async def times_of(run: FlowRun, *beginnings: str) -> list[int]:
    """How often each of some tasks ran; Prefect's server has them later than the run's end."""
    async with asyncio.timeout(300):
        while True:
            names = await task_names(run)
            times = [sum(name.startswith(each) for name in names) for each in beginnings]
            if all(times):
                return times
            await asyncio.sleep(0.2)


@contextmanager
def running_worker(kind: str, folder: Path, **environment: str) -> Generator[Worker]:
    """A worker of a type, with everything of its own."""
    name = f"{kind}-{uuid.uuid4().hex[:6]}"
    code = folder / "code"
    write_flows(code, 1)
    deployment = asyncio.run(deploy(kind, name, code, "work", "testflows.work.work"))
    log = folder / "worker.log"
    try:
        with worker_of(name, log, GIVEN="by the worker", **environment) as process:
            yield Worker(name, code, process, log, deployment)
    finally:
        asyncio.run(remove_pool(name))


@contextmanager
def worker_of(pool: str, log: Path, **environment: str) -> Generator[subprocess.Popen[bytes]]:
    """A worker of a pool; it is killed, if it is still there."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [PREFECT, "worker", "start", "--pool", pool, "--name", pool],
            env={**os.environ, "PREFECT_WORKER_QUERY_SECONDS": "1", **environment},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        # Asked politely, it sends itself SIGINT, which who started the tests may have it ignore.
        process.kill()
        process.wait()


async def deploy(kind: str, name: str, code: Path, flow: str, entrypoint: str) -> uuid.UUID:
    """Make a work pool, and in it a deployment of the same name of a flow in some code."""
    worker = BaseWorker.get_worker_class_from_type(kind)
    assert worker is not None
    template = worker.get_default_base_job_template()
    step = {"prefect.deployments.steps.set_working_directory": {"directory": str(code)}}
    async with get_client() as client:
        await client.create_work_pool(
            WorkPoolCreate(name=name, type=kind, base_job_template=template)
        )
        return await client.create_deployment(
            await client.create_flow_from_name(flow),
            name,
            work_pool_name=name,
            entrypoint=entrypoint,
            pull_steps=[step],
        )


async def remove_pool(pool: str) -> None:
    """Remove a work pool, with its deployments."""
    async with get_client() as client:
        await client.delete_work_pool(pool)


def write_flows(code: Path, version: int) -> None:
    package = code / "testflows"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").touch()
    (package / "work.py").write_text(f"VERSION = {version}\n{dedent(FLOWS)}")
    (code / "version").write_text(str(version))
