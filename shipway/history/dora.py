"""The figures of DORA (dora.dev), from the history of the ops repository alone.

Each is what Git can tell. A deployment is the last step of a rollout, or an image that somebody put
there by hand; a failed one is one that was rolled back or reverted. Rework is the first deployment
after that: it mends what went wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

from pydantic import BaseModel, ConfigDict

from shipway.history.change import Change


class Dora(BaseModel):
    """The five figures of one environment over a number of days.

    Args:
        days: How many days.
        deployments: How many deployments there were.
        lead_time: Median time from the revision's commit to its deployment.
        failed: How many deployments were taken back.
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
        """Change failure rate: the share of deployments that were taken back."""
        return self.failed / self.deployments if self.deployments else None

    @property
    def rework_rate(self) -> float | None:
        """The share of deployments that mended another."""
        return self.rework / self.deployments if self.deployments else None


def measure(changes: Sequence[Change], since: datetime, until: datetime) -> Dora:
    """The figures of the changes between two moments."""
    between = [change for change in changes if since <= change.at <= until]
    deployments = [change for change in between if change.kind == "deployment"]
    restored = [change.at - change.failed_at for change in between if change.failed_at]
    leads = [change.at - change.revision_at for change in deployments if change.revision_at]
    return Dora(
        days=(until - since) / timedelta(days=1),
        deployments=len(deployments),
        lead_time=_median(leads),
        failed=len(restored),
        restore_time=_median(restored),
        rework=sum(change.is_rework for change in deployments),
    )


def _median(spans: Sequence[timedelta]) -> timedelta | None:
    seconds = [span.total_seconds() for span in spans]
    return timedelta(seconds=median(seconds)) if seconds else None
