"""The figures of DORA (dora.dev), from the commits of the ops repository alone.

Each is what Git can tell. A deployment is the last step of a rollout; a failed one is one that was
rolled back. Rework is the first deployment after a rollback: it mends what went wrong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

from pydantic import BaseModel, ConfigDict

from shipway.git.trailers import OpsCommit

_STEP = re.compile(r"(\d+)/(\d+) ")


class Dora(BaseModel):
    """The five figures of one environment over a number of days.

    Args:
        days: How many days.
        deployments: How many deployments there were.
        lead_time: Median time from the revision's commit to its deployment.
        failed: How many deployments were rolled back.
        restore_time: Median time from a failed deployment to its rollback.
        rework: How many deployments were the first after a rollback.
    """

    model_config = ConfigDict(frozen=True)

    days: float
    deployments: int
    lead_time: timedelta | None
    failed: int
    restore_time: timedelta | None
    rework: int

    @property
    def per_day(self) -> float:
        """Deployment frequency."""
        return self.deployments / self.days

    @property
    def failure_rate(self) -> float | None:
        """Change failure rate: the share of deployments that were rolled back."""
        return self.failed / self.deployments if self.deployments else None

    @property
    def rework_rate(self) -> float | None:
        """The share of deployments that mended another."""
        return self.rework / self.deployments if self.deployments else None


def is_deployment(commit: OpsCommit) -> bool:
    """Whether a commit is the last step of a rollout of a new version."""
    step = _STEP.match(commit.trailers.get("Step", ""))
    return bool(step) and step[1] == step[2] and "Rollback-From" not in commit.trailers


def is_rollback(commit: OpsCommit) -> bool:
    """Whether a commit went back to an earlier release; of its steps, the one with the hold."""
    return {"Rollback-From", "Held"} <= commit.trailers.keys()


def measure(history: Sequence[OpsCommit], since: datetime, until: datetime) -> Dora:
    """The figures of the commits between two moments.

    Args:
        history: Everything that is recorded of one environment, newest first; older commits than
            `since` tell when a failed deployment began.
        since: The first moment.
        until: The last one.
    """
    oldest_first = [commit for commit in reversed(history) if commit.at <= until]
    deployments = [
        commit for commit in oldest_first if is_deployment(commit) and commit.at >= since
    ]
    restored: list[timedelta] = []
    rolled_back: set[str] = set()
    rework = 0
    for commit in oldest_first:
        app = commit.trailers.get("App", "")
        if is_rollback(commit):
            rolled_back.add(app)
            failed = _deployment_before(oldest_first, commit)
            if commit.at >= since and failed is not None:
                restored.append(commit.at - failed.at)
        elif is_deployment(commit) and app in rolled_back:
            rolled_back.discard(app)
            rework += commit.at >= since
    leads = [
        commit.at - datetime.fromisoformat(commit.trailers["Revision-Date"])
        for commit in deployments
        if "Revision-Date" in commit.trailers
    ]
    return Dora(
        days=(until - since) / timedelta(days=1),
        deployments=len(deployments),
        lead_time=_median(leads),
        failed=len(restored),
        restore_time=_median(restored),
        rework=rework,
    )


def _deployment_before(oldest_first: Sequence[OpsCommit], rollback: OpsCommit) -> OpsCommit | None:
    """The deployment that a rollback took back: the last one of its app and revision before it."""
    app_and_revision = (rollback.trailers.get("App"), rollback.trailers.get("Rollback-From"))
    deployment = None
    for commit in oldest_first:
        if commit is rollback:
            return deployment
        said = (commit.trailers.get("App"), commit.trailers.get("Revision"))
        if said == app_and_revision and is_deployment(commit):
            deployment = commit
    return deployment


def _median(spans: list[timedelta]) -> timedelta | None:
    seconds = [span.total_seconds() for span in spans]
    return timedelta(seconds=median(seconds)) if seconds else None
