"""Starts the process of one run, as Prefect's executor of runs asks its starters to."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

import anyio
import anyio.abc
from prefect.client.schemas.objects import FlowRun
from prefect.runner._control_channel import ControlChannel
from prefect.runner._process_manager import ProcessHandle, create_isolated_termination_scope

from deployments.warm.run_processes import RunProcesses
from deployments.warm.termination import EngineTermination


@dataclass(frozen=True)
class ForkStarter:
    """Forks the engine of one run, and waits for its end.

    Attributes:
        processes: Starts the run's processes.
        control_channel: Tells the engine that it is cancelled, and the worker how it went.
    """

    processes: RunProcesses
    control_channel: ControlChannel

    async def start(
        self,
        flow_run: FlowRun,
        task_status: anyio.abc.TaskStatus[ProcessHandle] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        """Start the engine, say so, and wait for its end."""
        environment = {
            "PREFECT__FLOW_RUN_ID": str(flow_run.id),
            # The worker runs them: a process that was killed cannot.
            "PREFECT__ENABLE_CANCELLATION_AND_CRASHED_HOOKS": "false",
        }
        # Where nothing may listen, an engine is never told, and a cancelled run is killed.
        with suppress(RuntimeError):
            port, token = self.control_channel.register(flow_run.id)
            environment["PREFECT__CONTROL_PORT"] = str(port)
            environment["PREFECT__CONTROL_TOKEN"] = token
        try:
            process = await self.processes.start("prefect.engine", **environment)
        except BaseException:
            self.control_channel.unregister(flow_run.id)
            raise
        scope = EngineTermination(
            flow_run.id, create_isolated_termination_scope(process.pid), self.control_channel
        )
        # It reads the process id and the exit status only.
        task_status.started(ProcessHandle(cast("Any", process), termination_scope=scope))
        try:
            await process.wait()
        except BaseException:
            # A worker that ends takes its runs with it, as Prefect's does.
            with suppress(ProcessLookupError):
                scope.hard_kill(process.pid)
            raise
