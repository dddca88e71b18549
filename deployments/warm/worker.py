"""A process worker whose runs are forked from a process that has imported everything.

The type of its work pools is `warm-process`. Only how a run's process starts, and how soon, is its
own; what the run is told, its log, cancellation, crash and hooks are those of Prefect's worker.
"""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import anyio
import anyio.abc
from prefect.client.schemas.filters import WorkPoolFilter, WorkPoolFilterName
from prefect.client.schemas.objects import FlowRun
from prefect.runner._flow_run_executor import FlowRunExecutionResult, FlowRunExecutorContext
from prefect.runner._process_manager import ProcessHandle
from prefect.workers.process import ProcessJobConfiguration, ProcessWorker, ProcessWorkerResult

from deployments.warm.configuration import WarmJobConfiguration
from deployments.warm.hooks import ForkedHooks
from deployments.warm.imports import imports_of
from deployments.warm.parents import WarmParents
from deployments.warm.run_processes import RunProcesses
from deployments.warm.scheduled import told_of_runs
from deployments.warm.starter import ForkStarter

WARM = "warm-process"
AGAIN_SECONDS = 5.0
# Prefect's 1 s is not enough for an engine on a busy machine; nothing is lost by more.
TOLD_SECONDS = 10.0


class WarmProcessWorker(ProcessWorker):
    """Runs flow runs as processes that have nothing left to import."""

    type = WARM
    job_configuration = WarmJobConfiguration
    _display_name = "Warm process"
    _description = (
        "Execute flow runs as processes on the worker's machine, forked from one that has imported "
        "the flows. For deployments whose code is installed there."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._parents = WarmParents()
        self._beside: asyncio.Task[None] | None = None

    async def setup(self) -> None:
        """Prepare as a process worker does; import what the pool's deployments need."""
        await super().setup()
        self._beside = asyncio.create_task(self._take_runs_when_told())

    async def teardown(self, *exc_info: Any) -> None:
        """End as a process worker does; then let go of what runs were forked from."""
        if self._beside is not None:
            self._beside.cancel()
        try:
            await super().teardown(*exc_info)
        finally:
            self._parents.close()

    async def run(
        self,
        flow_run: FlowRun,
        configuration: ProcessJobConfiguration,
        task_status: anyio.abc.TaskStatus[int] | None = None,
    ) -> ProcessWorkerResult:
        """Fork a run and wait for its end; start it as Prefect does where that cannot be done."""
        if not isinstance(configuration, WarmJobConfiguration) or configuration.imports is None:
            return await super().run(flow_run, configuration, task_status)
        processes = RunProcesses(self._parents, configuration.imports, configuration)
        try:
            return await self._fork_and_wait(flow_run, processes, task_status)
        finally:
            await self._finish_cancel(flow_run.id)

    async def _fork_and_wait(
        self,
        flow_run: FlowRun,
        processes: RunProcesses,
        task_status: anyio.abc.TaskStatus[int] | None,
    ) -> ProcessWorkerResult:
        async with FlowRunExecutorContext() as context:
            # It makes the channel itself, and asks for no time.
            context.control_channel._ack_timeout = TOLD_SECONDS  # pyright: ignore[reportPrivateUsage]
            executor = context.create_executor(
                flow_run,
                ForkStarter(processes, context.control_channel),
                hook_runner=ForkedHooks(processes),
                propose_submitting=False,
            )
            ended: list[FlowRunExecutionResult | None] = []

            async def execute(task_status: anyio.abc.TaskStatus[ProcessHandle]) -> None:
                ended.append(await executor.submit(task_status=task_status))

            async with anyio.create_task_group() as group:
                handle = await group.start(execute)
                if task_status is not None:
                    task_status.started(handle.pid)
                await self._cancel_if_asked_before(context)
        (result,) = ended
        if result is None or result.status_code is None:
            raise RuntimeError("the process of the run did not start")
        return ProcessWorkerResult(
            status_code=result.status_code, identifier=str(result.handle.pid)
        )

    async def _cancel_if_asked_before(self, context: FlowRunExecutorContext) -> None:
        """Cancel a run that was cancelled before its process was known to who is told of it."""
        # It has no public way to look again, and only itself knows what it was told by now.
        look = context._observer._check_for_cancelled_flow_runs  # pyright: ignore[reportPrivateUsage]
        try:
            await look()
        except Exception as error:
            # What the run does does not depend on it.
            self._logger.warning("Whether a run is to be cancelled is not known: %r", error)

    async def _finish_cancel(self, run: UUID) -> None:
        """Say that a run is cancelled whose engine saw so before it began, and left it at that."""
        try:
            ended = await self.client.read_flow_run(run)
            if ended.state is not None and ended.state.is_cancelling():
                await self._mark_flow_run_as_cancelled(ended)
        except Exception as error:
            self._logger.warning("Whether run %s is cancelled is not known: %r", run, error)

    async def _take_runs_when_told(self) -> None:
        """Import; then take each run when the server says that there is one."""
        while True:
            try:
                await self._warm_up()
                async for _ in told_of_runs(self.work_pool.id):
                    await self.get_and_submit_flow_runs()
            except Exception as error:
                # The worker also looks by itself.
                self._logger.info("The server does not tell of runs: %r", error)
            await asyncio.sleep(AGAIN_SECONDS)

    async def _warm_up(self) -> None:
        pool = WorkPoolFilter(name=WorkPoolFilterName(any_=[self._work_pool_name]))
        for deployment in await self.client.read_deployments(work_pool_filter=pool):
            imports = imports_of(deployment.entrypoint, deployment.pull_steps)
            if imports is not None:
                await self._parents.parent_for(imports)
