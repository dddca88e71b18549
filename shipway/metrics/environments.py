"""What each environment is like now: by the tip of the ops repository, and by its agents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import get_args

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from shipway.metrics.gauges import Sample, gauge
from shipway.rollout.deployed import Deployed
from shipway.rollout.status import AppStatus, WhatRuns

_HEALTHS: tuple[str, ...] = get_args(AppStatus.model_fields["health"].annotation)
_LABELS = ("app", "environment")


class Environments(Collector):
    """What is known of the environments; nothing is, unless somebody has just looked."""

    def __init__(self) -> None:
        self._metrics: tuple[Metric, ...] = ()

    def show(
        self, deployed: Sequence[Deployed], unreadable: int, known: WhatRuns, now: datetime
    ) -> None:
        """Serve this from now on.

        Args:
            deployed: What each folder says.
            unreadable: How many folders cannot be read.
            known: What agents have seen.
            now: What is old by now is not known.
        """
        self._metrics = (
            *_of_git(deployed),
            gauge(
                "shipway_unreadable_folders",
                "Folders of the ops repository that cannot be read; they have no other metrics.",
                (),
                [((), unreadable)],
            ),
            *_of_agents(deployed, known, now),
        )

    def forget(self) -> None:
        """Serve nothing: what was true a while ago is not known to be true."""
        self._metrics = ()

    def collect(self) -> Iterable[Metric]:
        """What is known."""
        return self._metrics


def _of_git(deployed: Sequence[Deployed]) -> Iterator[Metric]:
    yield gauge(
        "shipway_held_images",
        "Images on hold, which no release may bring back.",
        _LABELS,
        ((_labels(one), len(one.held)) for one in deployed),
    )
    yield gauge(
        "shipway_frozen",
        "Whether a freeze is going on, in which releases are refused or wait.",
        _LABELS,
        ((_labels(one), float(one.frozen is not None)) for one in deployed),
    )
    yield gauge(
        "shipway_rollout_under_way",
        "Whether steps are left of the rollout that was committed last.",
        _LABELS,
        ((_labels(one), float(one.is_under_way)) for one in deployed),
    )


def _of_agents(deployed: Sequence[Deployed], known: WhatRuns, now: datetime) -> Iterator[Metric]:
    released = [one for one in deployed if not one.is_untouched]
    statuses = [known.status_of(one, now) for one in released]
    yield gauge(
        "shipway_health",
        "How healthy it is: 1 for what it is, 0 for what it is not.",
        (*_LABELS, "health"),
        (
            ((*_labels(one), health), float(one.health == health))
            for one in statuses
            for health in _HEALTHS
        ),
    )
    asked = [one for one in statuses if one.health != "unknown"]
    yield gauge(
        "shipway_drifted_objects",
        "Objects that differed from Git when they were compared last.",
        _LABELS,
        ((_labels(one), len(one.drift)) for one in asked if _is_compared(one)),
    )
    yield gauge(
        "shipway_unapplied_seconds",
        "How long ago the commit was made that the cluster does not have yet; 0 where it has.",
        _LABELS,
        (sample for one in released for sample in _unapplied(one, known, now)),
    )


def _is_compared(status: AppStatus) -> bool:
    """Whether the cluster was compared with all that Git says."""
    seen = status.observed
    return seen is None or (seen.is_compared and not seen.not_compared)


def _unapplied(deployed: Deployed, known: WhatRuns, now: datetime) -> Iterator[Sample]:
    """How long the cluster has not had the last commit of a release, where that is known."""
    seen = known.of(deployed.app, deployed.environment)
    if seen is not None and _step(seen.deployed) == _step(deployed):
        # Whoever did not answer may have it or not.
        if seen.health == "unknown":
            return
        if seen.is_applied and seen.health != "not applied":
            yield _labels(deployed), 0
            return
    if deployed.since is not None:
        yield _labels(deployed), max(0.0, (now - deployed.since).total_seconds())


def _step(deployed: Deployed | None) -> tuple[object, ...] | None:
    """What is equal until another step is committed: a freeze ends without a commit."""
    one = deployed
    return (one.image, one.revision, one.step, one.run, one.since) if one else None


def _labels(one: Deployed | AppStatus) -> tuple[str, str]:
    return one.app, one.environment
