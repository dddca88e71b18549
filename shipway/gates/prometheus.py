"""A gate on a number that Prometheus knows."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from shipway.errors import RefuseError, ShipwayError
from shipway.gates.measurement import Measurement
from shipway.gates.settings import Gate, PrometheusGate
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


def judge(
    settings: PrometheusGate, value: Number, baseline: Number, samples: Number
) -> Measurement:
    """What the numbers say; `baseline` and `samples` count where the settings have them."""
    missing = _missing(settings, value, baseline, samples)
    if missing or value.value is None:
        return Measurement(verdict="inconclusive", words="; ".join(missing))
    judged, words = value.value, value.words
    if settings.baseline is not None:
        judged -= baseline.value or 0
        words = f"{words} - {baseline.words} = {judged:.4g}"
    too_high = settings.max is not None and judged > settings.max
    too_low = settings.min is not None and judged < settings.min
    bounds = [
        f"{name} {bound:g}"
        for name, bound in (("max", settings.max), ("min", settings.min))
        if bound is not None
    ]
    of = [f"{samples.words} samples"] if settings.samples is not None else []
    verdict = "fail" if too_high or too_low else "pass"
    return Measurement(verdict=verdict, words=", ".join((words, *bounds, *of)), value=judged)


def _missing(
    settings: PrometheusGate, value: Number, baseline: Number, samples: Number
) -> list[str]:
    """What there is no number of, or not enough samples."""
    found = [] if value.value is not None else [value.words]
    if settings.baseline is not None and baseline.value is None:
        found.append(f"baseline: {baseline.words}")
    if settings.samples is not None and samples.value is None:
        found.append(f"samples: {samples.words}")
    if samples.value is not None and samples.value < settings.minimum_samples:
        found.append(f"{samples.words} of {settings.minimum_samples:g} samples")
    return found


def pods_of(workloads: Sequence[KubeObject]) -> str:
    """A regular expression (RE2) for the names of the workloads' pods, and of no others."""
    return "|".join(
        re.escape(one.name).replace("\\-", "-") + _POD.get(one.kind, _POD_OF_OTHERS)
        for one in workloads
    )


def filled(query: str, new: str, old: str, since: float) -> str:
    """A query with the names of pods in the place of `$new` and `$old`, and the time of `$since`.

    Args:
        query: PromQL with any of the three.
        new: Matches the pods of the new version.
        old: Matches those of the version before.
        since: Seconds since the step was committed.
    """
    values = {"new": new, "old": old, "since": f"{max(1, round(since))}s"}
    return re.sub(r"\$(new|old|since)\b", lambda found: values[found[1]], query)


class PrometheusLooker:
    """Asks all queries of a gate, and judges the numbers."""

    def __init__(
        self,
        gate: Gate,
        settings: PrometheusGate,
        metrics: Prometheus,
        new: str,
        old: str,
        since: datetime,
    ):
        self.name, self.interval = gate.name, gate.interval_seconds
        self.failures, self.patience = gate.consecutive_failures, gate.inconclusive_timeout_seconds
        self._settings, self._metrics = settings, metrics
        self._new, self._old, self._since = new, old, since

    async def look(self) -> Measurement:
        """Look once."""
        settings, none = self._settings, Number(None, "")
        try:
            value = await self._number(settings.query)
            baseline = await self._number(settings.baseline) if settings.baseline else none
            samples = await self._number(settings.samples) if settings.samples else none
        except ShipwayError as error:
            return Measurement(verdict="inconclusive", words=f"{error.what} {error.facts['got']}")
        return judge(settings, value, baseline, samples)

    async def _number(self, query: str) -> Number:
        since = (datetime.now(UTC) - self._since).total_seconds()
        return number(await self._metrics.query(filled(query, self._new, self._old, since)))


async def check_queries(settings: PrometheusGate, metrics: Prometheus, where: str) -> None:
    """See that every query of a gate is PromQL.

    Raises:
        RefuseError: One is not.
        RetryError: Prometheus does not answer.
    """
    for query in (settings.query, settings.baseline, settings.samples):
        if query is None:
            continue
        try:
            await metrics.check(filled(query, "new", "old", 60))
        except RefuseError as error:
            raise RefuseError(
                error.what,
                where=where,
                expected=error.facts["expected"],
                got=error.facts["got"],
                untouched="the ops repository and the cluster",
            ) from error
