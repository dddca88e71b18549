"""A gate on a command that must succeed, in a pod of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from shipway.gates.gate import Gate, GateContext, GateProbe, GateSettings
from shipway.gates.measurement import Measurement

if TYPE_CHECKING:
    from shipway.kubernetes.job import JobEnd


class JobGate(GateSettings):
    """A command that must succeed, in a pod of its own in the environment's namespace."""

    command: list[str] = Field(min_length=1, description="Program and arguments.")
    image: str | None = Field(
        default=None, description="Its image; the new version's if not given."
    )
    env: dict[str, str] = Field(default_factory=dict, description="Its environment.")
    timeout_seconds: float = Field(
        default=300, gt=0, description="How long it may take, its start included."
    )

    renamed: ClassVar = {"timeout": "timeout_seconds"}

    def probe(self, gate: Gate, context: GateContext) -> GateProbe:
        """Runs the command once; what it came to stands.

        It is not run again: it may have changed what it looks at. So its first failure counts.
        """
        ended: Measurement | None = None

        async def measure() -> Measurement:
            nonlocal ended
            if ended is None:
                ended = verdict_of(await self._run(gate.name, context))
            return ended

        return replace(gate.probe_with(measure), consecutive_failures=1)

    async def _run(self, name: str, context: GateContext) -> JobEnd:
        # Whoever reads rollout.yaml would wait for its import for nothing.
        from shipway.kubernetes.job import run_job

        return await run_job(
            context.client,
            context.namespace,
            name=name,
            image=self.image or context.image,
            command=self.command,
            env=self.env,
            timeout_seconds=self.timeout_seconds,
        )


def verdict_of(end: JobEnd) -> Measurement:
    """What the end of a job says; one that never ran says nothing."""
    if end.exit_code is None:
        return Measurement(verdict="inconclusive", words=end.words)
    if end.exit_code != 0:
        return Measurement(verdict="fail", words=f"exit code {end.exit_code}: {end.words}")
    return Measurement(verdict="pass", words="exit code 0")
