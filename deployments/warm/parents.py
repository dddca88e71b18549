"""The processes that a worker forks its runs from: one for each folder and package."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from prefect.logging import get_logger
from prefect.settings import get_current_settings

from deployments.warm.fork_server import Request
from deployments.warm.imports import Imports
from deployments.warm.warm_parent import ForkedRun, WarmParent, start_parent

# What Prefect's engine imports only when a run begins. `prefect.engine` itself is run.
ENGINE = (
    "anyio._backends._asyncio",
    "fastapi.encoders",
    "prefect.main",
    "prefect.artifacts",
    "prefect.client.orchestration",
    "prefect.deployments.steps.core",
    "prefect.deployments.steps.pull",
    "prefect.events.clients",
    "prefect.flow_engine",
    "prefect.logging.handlers",
    "prefect.task_engine",
    "prefect.utilities.visualization",
)
# Code may change while it is imported, but not for ever.
MOST_STARTS = 3


class WarmParents:
    """Started when first needed; started anew when one is gone, or its code has changed."""

    def __init__(self) -> None:
        self._starting: dict[Imports, asyncio.Task[WarmParent | None]] = {}

    async def parent_for(self, imports: Imports) -> WarmParent | None:
        """What runs with these imports are forked from; nothing if they cannot be imported."""
        if imports not in self._starting:
            self._close_those_of_gone_folders()
            self._starting[imports] = asyncio.create_task(_start(imports))
        parent = await asyncio.shield(self._starting[imports])
        if parent is None:
            # The next run may find the code mended.
            self._forget(imports, parent)
        return parent

    async def start(
        self, imports: Imports, request: Request, *, show_output: bool
    ) -> ForkedRun | asyncio.subprocess.Process:
        """Fork a process; where nothing can be forked from, start one that imports for itself."""
        for _ in range(MOST_STARTS):
            parent = await self.parent_for(imports)
            if parent is None:
                break
            run = await parent.fork(request, show_output=show_output)
            if run is not None:
                return run
            self._forget(imports, parent)
            parent.close()
        return await _start_cold(request, show_output=show_output)

    def close(self) -> None:
        """Let each end when its runs are over."""
        for imports in list(self._starting):
            self._close(imports)

    def _close(self, imports: Imports) -> None:
        starting = self._starting.pop(imports)
        starting.cancel()
        if starting.done() and not starting.cancelled() and (parent := starting.result()):
            parent.close()

    def _close_those_of_gone_folders(self) -> None:
        """Whoever deploys each version to a folder of its own leaves many behind."""
        for imports in [one for one in self._starting if not one.folder.is_dir()]:
            self._close(imports)

    def _forget(self, imports: Imports, parent: WarmParent | None) -> None:
        # Another run may have started a new one meanwhile.
        starting = self._starting.get(imports)
        if starting is not None and starting.done() and starting.result() is parent:
            del self._starting[imports]


async def _start(imports: Imports) -> WarmParent | None:
    settings = get_current_settings().to_environment_variables(exclude_unset=True)
    modules = [*ENGINE, f"{imports.package}.*"]
    try:
        return await start_parent(imports.folder, modules, {**os.environ, **settings})
    except OSError as error:
        log = get_logger("worker")
        log.warning("Runs of %s start cold: nothing to fork them from: %r", imports.folder, error)
        return None


async def _start_cold(request: Request, *, show_output: bool) -> asyncio.subprocess.Process:
    argv = request["argv"]
    output = None if show_output else asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(
        *(sys.executable, *(() if Path(argv[0]).is_absolute() else ("-m",)), *argv),
        cwd=request["folder"],
        env=request["environment"],
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )
