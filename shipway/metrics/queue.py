"""Runs that wait for a worker now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from shipway.metrics.gauges import gauge


class Queued(NamedTuple):
    """The runs of a flow that are due and have not started.

    Attributes:
        runs: How many.
        oldest_seconds: How long ago the first of them was to start; 0 where there is none.
    """

    runs: int
    oldest_seconds: float


class Queue(Collector):
    """What waits; nothing is known unless somebody has just looked."""

    def __init__(self) -> None:
        self._queued: Mapping[str, Queued] = {}

    def show(self, queued: Mapping[str, Queued]) -> None:
        """Serve what waits of each flow from now on."""
        self._queued = queued

    def forget(self) -> None:
        """Serve nothing."""
        self._queued = {}

    def collect(self) -> Iterable[Metric]:
        """What waits, as far as it is known."""
        queued = self._queued
        if not queued:
            return
        yield gauge(
            "shipway_queued_runs",
            "Runs that are due and have not started.",
            ("flow",),
            (((flow,), one.runs) for flow, one in queued.items()),
        )
        yield gauge(
            "shipway_queued_oldest_seconds",
            "How long ago the first of these runs was to start; 0 where there is none.",
            ("flow",),
            (((flow,), one.oldest_seconds) for flow, one in queued.items()),
        )
