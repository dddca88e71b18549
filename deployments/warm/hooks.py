"""Runs the hooks of a run that was cancelled or crashed, in a process of their own."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass

from prefect.client.schemas.objects import FlowRun, State
from prefect.logging.loggers import flow_run_logger

from deployments.warm import run_hooks
from deployments.warm.run_hooks import What, Which
from deployments.warm.run_processes import RunProcesses


@dataclass(frozen=True)
class ForkedHooks:
    """Forks hooks as runs are forked: the worker itself imports no flow, old or new.

    Attributes:
        processes: Starts the run's processes.
    """

    processes: RunProcesses

    async def run_cancellation_hooks(self, flow_run: FlowRun, state: State) -> None:
        """Run the flow's `on_cancellation` hooks, if it is being cancelled."""
        if state.is_cancelling():
            await self._run("cancellation", flow_run, state)

    async def run_crashed_hooks(self, flow_run: FlowRun, state: State) -> None:
        """Run the flow's `on_crashed` hooks, if it has crashed."""
        if state.is_crashed():
            await self._run("crashed", flow_run, state)

    async def _run(self, which: Which, flow_run: FlowRun, state: State) -> None:
        what = What(which=which, flow_run=flow_run, state=state)
        try:
            # A file, which its owner alone can read: parameters may be secret, and long.
            with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                file.write(what.model_dump_json())
                file.flush()
                process = await self.processes.start(run_hooks.__file__, file.name)
                status = await process.wait()
            problem = status and f"exit status {status}"
        except Exception as error:
            problem = repr(error)
        if problem:
            log = flow_run_logger(flow_run)
            log.warning("The on_%s hooks of this run could not be run: %s", which, problem)
