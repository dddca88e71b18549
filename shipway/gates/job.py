"""A gate on a command that must succeed, in a pod of its own."""

from __future__ import annotations

from shipway.gates.measurement import Measurement
from shipway.gates.settings import Gate, JobGate
from shipway.kubernetes.client import NO_ANSWER, KubeClient
from shipway.kubernetes.job import JobEnd, run_job


class CommandLooker:
    """Runs the command once; what it came to stands."""

    def __init__(
        self, gate: Gate, settings: JobGate, client: KubeClient, namespace: str, image: str
    ):
        self.name, self.interval = gate.name, gate.interval_seconds
        # A command that failed is not run again: it may have changed what it looks at.
        self.failures, self.patience = 1, gate.inconclusive_timeout_seconds
        self._settings, self._client, self._namespace = settings, client, namespace
        self._image = settings.image or image
        self._end: Measurement | None = None

    async def look(self) -> Measurement:
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
                    timeout=self._settings.timeout_seconds,
                )
            except NO_ANSWER as error:
                return Measurement(verdict="inconclusive", words=str(error) or type(error).__name__)
            self._end = judge(end)
        return self._end


def judge(end: JobEnd) -> Measurement:
    """What the end of a job says; one that never ran says nothing."""
    if end.exit_code is None:
        return Measurement(verdict="inconclusive", words=end.words)
    if end.exit_code != 0:
        return Measurement(verdict="fail", words=f"exit code {end.exit_code}: {end.words}")
    return Measurement(verdict="pass", words="exit code 0")
