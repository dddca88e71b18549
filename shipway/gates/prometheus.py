"""A gate on a number that Prometheus knows."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Sequence
from functools import partial
from typing import ClassVar, NamedTuple, Self

from pydantic import Field, model_validator

from shipway.errors import RefuseError, ShipwayError
from shipway.gates.gate import Gate, GateContext, GateProbe, GateSettings
from shipway.gates.measurement import Measurement
from shipway.kubernetes.objects import KubeObject
from shipway.prometheus import Prometheus, Sample

# Kubernetes names pods <Deployment>-<hash of the template>-<five characters>, and the others so:
_POD = {"Deployment": "-[a-z0-9]+-[a-z0-9]{5}", "StatefulSet": "-[0-9]+"}
_POD_OF_OTHERS = "-[a-z0-9]{5}"


class Number(NamedTuple):
    """A query's one number, or why there is none."""

    value: float | None
    words: str


def number(samples: Sequence[Sample]) -> Number:
    """The number that a query's answer is, if it is one."""
    if not samples:
        return Number(None, "no data")
    if len(samples) > 1:
        return Number(None, f"{len(samples)} series, where one is expected: {samples[0].labels}, …")
    value = samples[0].value
    if not math.isfinite(value):
        return Number(None, f"{value}: no data to divide by")
    return Number(value, f"{value:.4g}")


class PrometheusGate(GateSettings):
    """A number that Prometheus knows.

    In queries, `$new` and `$old` match the names of both versions' pods, and `$since` is the time
    since the cluster has the step, as in `[$since]`.
    """

    asks_prometheus: ClassVar[bool] = True
    only_looks: ClassVar[bool] = True

    query: str = Field(description="PromQL for one number, of the new version.")
    baseline: str | None = Field(
        default=None,
        description="The same of the version before, at the same time: how much the first number "
        "is above this one is judged, not the number itself.",
    )
    max: float | None = Field(default=None, description="The number must not be above.")
    min: float | None = Field(default=None, description="The number must not be below.")
    samples: str | None = Field(
        default=None, description="PromQL for how many requests or the like stand behind it."
    )
    minimum_samples: float = Field(
        default=0, ge=0, description="How many must stand behind it before it says anything."
    )

    @model_validator(mode="after")
    def _has_bounds(self) -> Self:
        if self.max is None and self.min is None:
            raise ValueError("max or min, or both")
        if (self.samples is None) != (self.minimum_samples == 0):
            raise ValueError("samples and minimum_samples belong together")
        return self

    async def check(self, where: str, prometheus: Prometheus | None) -> None:
        """See that every query is PromQL."""
        server = _given(prometheus)
        for query in (self.query, self.baseline, self.samples):
            if query is None:
                continue
            try:
                await server.check(filled(query, "new", "old", 60))
            except RefuseError as error:
                raise RefuseError(
                    error.what,
                    where=where,
                    expected=error.facts["expected"],
                    got=error.facts["got"],
                    untouched="the ops repository and the cluster",
                ) from error

    def probe(self, gate: Gate, context: GateContext) -> GateProbe:
        """Asks all queries, and judges the numbers."""
        return gate.probe_with(partial(self.measure, context))

    async def measure(self, context: GateContext) -> Measurement:
        """Ask all queries once."""
        not_asked = Number(None, "")
        try:
            value = await _ask(self.query, context)
            baseline = await _ask(self.baseline, context) if self.baseline else not_asked
            samples = await _ask(self.samples, context) if self.samples else not_asked
        except ShipwayError as error:
            return Measurement(verdict="inconclusive", words=f"{error.what} {error.facts['got']}")
        return self.verdict_of(value, baseline, samples)

    def verdict_of(self, value: Number, baseline: Number, samples: Number) -> Measurement:
        """What the numbers say; `baseline` and `samples` count where the gate has them."""
        missing = self._missing(value, baseline, samples)
        if missing or value.value is None:
            return Measurement(verdict="inconclusive", words="; ".join(missing))
        judged, words = value.value, value.words
        if self.baseline is not None:
            judged -= baseline.value or 0
            words = f"{words} - {baseline.words} = {judged:.4g}"
        too_high = self.max is not None and judged > self.max
        too_low = self.min is not None and judged < self.min
        bounds = [
            f"{name} {bound:g}"
            for name, bound in (("max", self.max), ("min", self.min))
            if bound is not None
        ]
        behind = [f"{samples.words} samples"] if self.samples is not None else []
        verdict = "fail" if too_high or too_low else "pass"
        return Measurement(
            verdict=verdict, words=", ".join((words, *bounds, *behind)), value=judged
        )

    def _missing(self, value: Number, baseline: Number, samples: Number) -> list[str]:
        """What there is no number of, or not enough samples."""
        missing = [] if value.value is not None else [value.words]
        if self.baseline is not None and baseline.value is None:
            missing.append(f"baseline: {baseline.words}")
        if self.samples is not None and samples.value is None:
            missing.append(f"samples: {samples.words}")
        if samples.value is not None and samples.value < self.minimum_samples:
            missing.append(f"{samples.words} of {self.minimum_samples:g} samples")
        return missing


async def _ask(query: str, context: GateContext) -> Number:
    """The number that a query has now."""
    since = time.monotonic() - context.since
    promql = filled(query, pods_of(context.new), pods_of(context.old), since)
    return number(await _given(context.prometheus).query(promql))


def _given(prometheus: Prometheus | None) -> Prometheus:
    if prometheus is None:
        raise RefuseError(
            "There is no Prometheus to ask.", expected="a Metrics block", got="no block"
        )
    return prometheus


def pods_of(workloads: Sequence[KubeObject]) -> str:
    """A regular expression (RE2) for the names of the workloads' pods, and of no others."""
    return "|".join(
        re.escape(workload.name).replace("\\-", "-") + _POD.get(workload.kind, _POD_OF_OTHERS)
        for workload in workloads
    )


def filled(query: str, new: str, old: str, since: float) -> str:
    """A query with the names of pods in the place of `$new` and `$old`, and the time of `$since`.

    Args:
        query: PromQL with any of the three.
        new: Matches the pods of the new version.
        old: Matches those of the version before.
        since: Seconds since the cluster has the step.
    """
    values = {"new": new, "old": old, "since": f"{max(1, math.floor(since))}s"}
    return re.sub(r"\$(new|old|since)\b", lambda match: values[match[1]], query)
