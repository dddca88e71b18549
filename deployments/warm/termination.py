"""Ends the processes of a run, so that a cancelled run never says that it crashed."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from prefect.runner._control_channel import ControlChannel
from prefect.runner._process_manager import ProcessTerminationScope


@dataclass
class EngineTermination:
    """Asks an engine that knows why to end by itself, and kills any other.

    An engine that gets SIGTERM without having been told of a cancellation takes it for a crash,
    and says so at once. It can be told from when it begins its flow, a moment after which the
    worker knows of it.

    Attributes:
        flow_run: The run.
        processes: Ends the engine with all that it has started.
        control_channel: Tells the engine that it is cancelled.
        wait_after_graceful_kill: Whether Prefect shall wait for the engine before it kills it.
    """

    flow_run: UUID
    processes: ProcessTerminationScope
    control_channel: ControlChannel
    wait_after_graceful_kill: bool = True

    def is_alive(self, pid: int) -> bool:
        """Whether any of the processes is left."""
        return self.processes.is_alive(pid)

    def graceful_kill(self, pid: int) -> None:
        """Let the engine end by itself, if it has said that it was told."""
        if self.control_channel.get_conclusion(self.flow_run) is None:
            self.hard_kill(pid)
        else:
            self.processes.graceful_kill(pid)

    def hard_kill(self, pid: int) -> None:
        """End all at once."""
        self.processes.hard_kill(pid)

    def close(self) -> None:
        """Let go of what was known of the processes."""
        self.processes.close()
