"""Starts the processes of one run: its engine, and its hooks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from deployments.warm.configuration import WarmJobConfiguration
from deployments.warm.imports import Imports
from deployments.warm.parents import WarmParents
from deployments.warm.warm_parent import ForkedRun


@dataclass(frozen=True)
class RunProcesses:
    """What is known of a run, and what its processes are forked from.

    Attributes:
        parents: Where a process is forked.
        imports: What the run imports.
        configuration: What the worker knows of the run.
    """

    parents: WarmParents
    imports: Imports
    configuration: WarmJobConfiguration

    async def start(self, *argv: str, **environment: str) -> ForkedRun | asyncio.subprocess.Process:
        """Start a process of the run.

        Args:
            argv: A module and its arguments, or a script and its arguments.
            environment: Variables of this process alone.
        """
        request = self.configuration.request([*argv], self.imports.folder, **environment)
        return await self.parents.start(
            self.imports, request, show_output=self.configuration.stream_output
        )
