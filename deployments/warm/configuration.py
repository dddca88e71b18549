"""What the worker knows of a run, and whether the run can be forked."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.client.schemas.objects import Flow, FlowRun, WorkPool
from prefect.client.schemas.responses import DeploymentResponse
from prefect.utilities.processutils import sanitize_subprocess_env
from prefect.workers.process import ProcessJobConfiguration
from pydantic import PrivateAttr

from deployments.warm.fork_server import Request
from deployments.warm.imports import Imports, imports_of, needs_own_start


class WarmJobConfiguration(ProcessJobConfiguration):
    """What a process worker knows of a run, and what the run imports."""

    _imports: Imports | None = PrivateAttr(default=None)
    _entrypoint: str = PrivateAttr(default="")

    @property
    def imports(self) -> Imports | None:
        """What the run may be forked from; nothing if it needs a start of its own."""
        return self._imports

    def prepare_for_flow_run(
        self,
        flow_run: FlowRun,
        deployment: DeploymentResponse | None = None,
        flow: Flow | None = None,
        work_pool: WorkPool | None = None,
        worker_name: str | None = None,
        worker_id: UUID | None = None,
    ) -> None:
        """Prepare as a process worker does; see what the deployment imports."""
        own_command = self.command is not None
        super().prepare_for_flow_run(
            flow_run, deployment, flow, work_pool, worker_name, worker_id=worker_id
        )
        worker = {**os.environ, **self._base_environment()}
        if deployment is None or own_command or needs_own_start(self.env, worker):
            return
        self._entrypoint = deployment.entrypoint or ""
        if sys.platform == "linux":
            self._imports = imports_of(deployment.entrypoint, deployment.pull_steps)

    def request(self, argv: list[str], folder: Path, **environment: str) -> Request:
        """What a forked process shall be.

        Args:
            argv: A module and its arguments, or a script and its arguments.
            folder: Where the run's code is.
            environment: Variables of this process alone.
        """
        known: dict[str, Any] = {
            **self.env,
            # What a pull step would lead to is known: no need to ask for the deployment again.
            "PREFECT__FLOW_ENTRYPOINT": self._entrypoint,
            # For a Python that the flow starts.
            "PYTHONPATH": os.pathsep.join(filter(None, [str(folder), self.env.get("PYTHONPATH")])),
            **environment,
        }
        return Request(argv=argv, folder=str(folder), environment=sanitize_subprocess_env(known))
