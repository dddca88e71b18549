"""Runs that have ended: what became of them, how long they waited, and each stage took."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, NamedTuple, get_args

from prometheus_client import CollectorRegistry, Counter, Histogram

from shipway.app_environment import AppEnvironment

# What a release came to: as its report says, or else as its state in Prefect does.
Outcome = Literal["done", "refused", "failed", "halted", "error", "cancelled", "crashed"]

# Those that lead an environment to a version.
RELEASES = ("release", "promote", "rollback")
# All whose runs somebody waits for.
FLOWS = (
    *RELEASES,
    "release-services",
    "plan",
    "clear-hold",
    "decommission",
    "history",
    "flakes",
    "retention",
    "reconcile",
    "release-new",
    "nightly",
)
# Whatever a run is told to release, there are no more labels than folders.
OTHER = AppEnvironment(app="other", environment="other")

_QUEUE_BUCKETS = (1, 5, 15, 60, 300, 900, 3600)
_STAGE_BUCKETS = (5, 15, 30, 60, 120, 300, 600, 1800, 3600, 4 * 3600)


class EndedRun(NamedTuple):
    """A run that has ended.

    Attributes:
        flow: The name of its flow.
        app_environment: What it was about; None where it was about no app alone.
        outcome: What it came to.
        queued_seconds: From when it was to start to when it did; None where it never did.
        stages: The seconds of each stage, of a release that is done.
    """

    flow: str
    app_environment: AppEnvironment | None
    outcome: Outcome
    queued_seconds: float | None
    stages: Mapping[str, float]


class Runs:
    """Counts runs that ended while somebody counts; it begins at 0."""

    def __init__(self) -> None:
        self._releases = Counter(
            "shipway_releases_total",
            "Runs that lead an environment to a version, by what they came to.",
            ("flow", "app", "environment", "outcome"),
            registry=None,
        )
        self._stages = Histogram(
            "shipway_stage_seconds",
            "How long a stage took, in releases that are done.",
            ("app", "environment", "stage"),
            buckets=_STAGE_BUCKETS,
            registry=None,
        )
        self._queued = Histogram(
            "shipway_run_queue_seconds",
            "From when a run was to start to when it did.",
            ("flow",),
            buckets=_QUEUE_BUCKETS,
            registry=None,
        )

    def register(self, registry: CollectorRegistry) -> None:
        """Have them served."""
        for metric in (self._releases, self._stages, self._queued):
            registry.register(metric)

    def expect(self, there: Collection[AppEnvironment]) -> None:
        """Begin at 0 for each of these: Prometheus takes no rise from what begins at 1."""
        for flow in FLOWS:
            self._queued.labels(flow)
        for one in there:
            for flow in RELEASES:
                for outcome in get_args(Outcome):
                    self._releases.labels(flow, one.app, one.environment, outcome)

    def count(self, run: EndedRun, there: Collection[AppEnvironment]) -> None:
        """Count a run.

        Args:
            run: The run.
            there: What the ops repository has; all others count together.
        """
        if run.queued_seconds is not None:
            self._queued.labels(run.flow).observe(run.queued_seconds)
        if run.flow not in RELEASES:
            return
        one = run.app_environment if run.app_environment in there else OTHER
        app, environment = (one or OTHER).app, (one or OTHER).environment
        self._releases.labels(run.flow, app, environment, run.outcome).inc()
        for stage, seconds in run.stages.items():
            self._stages.labels(app, environment, stage).observe(seconds)
