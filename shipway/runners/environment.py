"""A place that a shard's commands run in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from shipway.test_tools.tool import Ended, Invocation

Output = Callable[[bytes], None]


class TestEnvironment(Protocol):
    """A clean place with the shard's services around it; leaving it removes all of it."""

    @property
    def folder(self) -> str:
        """Where the files of an invocation lie."""
        ...

    @property
    def env(self) -> Mapping[str, str]:
        """The environment that a command finds there."""
        ...

    async def run(self, invocation: Invocation, output: Output) -> Ended:
        """Run a command to its end; cancelling the call kills all that it started.

        Args:
            invocation: What to run.
            output: Called, from another thread, with what the command prints as it does.

        Raises:
            RefuseError: There is no such program.
        """
        ...
