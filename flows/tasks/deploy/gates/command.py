"""A gate on a command that must succeed, in a pod of its own."""

from __future__ import annotations

from blocks.config import Gate, JobGate
from blocks.kube.client import NO_ANSWER, KubeClient
from blocks.kube.job import JobEnd, run_job
from flows.tasks.deploy.gates.reading import Reading


class CommandLooker:
    """Runs the command once; what it came to stands."""

    def __init__(
        self, gate: Gate, settings: JobGate, client: KubeClient, namespace: str, image: str
    ):
        self.name, self.interval = gate.name, gate.interval
        # A command that failed is not run again: it may have changed what it looks at.
        self.failures, self.patience = 1, gate.patience
        self._settings, self._client, self._namespace = settings, client, namespace
        self._image = settings.image or image
        self._end: Reading | None = None

    async def look(self) -> Reading:
        """Run it, or say again what it came to."""
        if self._end is None:
            try:
                end = await run_job(
                    self._client,
                    self._namespace,
                    name=self.name,
                    image=self._image,
                    command=self._settings.command,
                    env=self._settings.env,
                    timeout=self._settings.timeout,
                )
            except NO_ANSWER as error:
                return Reading(verdict="inconclusive", words=str(error) or type(error).__name__)
            self._end = judge(end)
        return self._end


def judge(end: JobEnd) -> Reading:
    """What the end of a job says; one that never ran says nothing."""
    if end.exit_code is None:
        return Reading(verdict="inconclusive", words=end.words)
    if end.exit_code != 0:
        return Reading(verdict="fail", words=f"exit code {end.exit_code}: {end.words}")
    return Reading(verdict="pass", words="exit code 0")
