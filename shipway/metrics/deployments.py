"""Deployments, rollbacks and lead times: counted from the whole history of the ops repository."""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile

from prometheus_client import CollectorRegistry, Counter, Histogram

from shipway.app_environment import AppEnvironment
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.history.change import Change
from shipway.history.changes import changes_newest_first

_LABELS = ("app", "environment")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_LEAD_BUCKETS = (
    *(minutes * _MINUTE for minutes in (5, 15, 30)),
    *(hours * _HOUR for hours in (1, 2, 4, 8)),
    *(days * _DAY for days in (1, 2, 7, 14, 30)),
)


class Deployments:
    """Counts what became of each app in each environment, from the first commit on.

    A commit counts once, whenever it is seen. An exporter that begins anew comes to the same
    counts, because the history is the same.
    """

    def __init__(self) -> None:
        self._deployments = Counter(
            "shipway_deployments_total",
            "Deployments: last steps of rollouts, and images that somebody put there by hand.",
            _LABELS,
            registry=None,
        )
        self._rollbacks = Counter(
            "shipway_rollbacks_total",
            "Rollbacks, by a run or by hand.",
            _LABELS,
            registry=None,
        )
        self._lead_time = Histogram(
            "shipway_lead_time_seconds",
            "From the commit of a revision to the commit that deployed it.",
            _LABELS,
            buckets=_LEAD_BUCKETS,
            registry=None,
        )
        self._fingerprints: dict[AppEnvironment, str] = {}
        self._counted: set[tuple[AppEnvironment, str]] = set()

    def register(self, registry: CollectorRegistry) -> None:
        """Have them served, once all is counted: a count that is too small looks like a fall."""
        for metric in (self._deployments, self._rollbacks, self._lead_time):
            registry.register(metric)

    def count(self, folder: OpsFolder, history: Callable[[], History]) -> None:
        """Count what a folder's history has and had not before.

        Args:
            folder: The folder.
            history: Its history, which is asked for only where the folder is another one.

        Raises:
            RefuseError: The history is not whole.
        """
        whose = folder.app_environment
        if self._fingerprints.get(whose) == folder.fingerprint:
            return
        for metric in (self._deployments, self._rollbacks, self._lead_time):
            metric.labels(whose.app, whose.environment)
        # All of it is read before any of it counts: who fails in between reads it again.
        for change in [*takewhile(self._is_new(whose), changes_newest_first(history()))]:
            self._counted.add((whose, change.commit))
            self._count(whose, change)
        self._fingerprints[whose] = folder.fingerprint

    def _is_new(self, whose: AppEnvironment) -> Callable[[Change], bool]:
        return lambda change: (whose, change.commit) not in self._counted

    def _count(self, whose: AppEnvironment, change: Change) -> None:
        labels = (whose.app, whose.environment)
        if change.kind == "rollback":
            self._rollbacks.labels(*labels).inc()
        if change.kind == "deployment":
            self._deployments.labels(*labels).inc()
            # A clock that is wrong says nothing of how long it took.
            if change.revision_at is not None and change.revision_at <= change.at:
                lead = change.at - change.revision_at
                self._lead_time.labels(*labels).observe(lead.total_seconds())
