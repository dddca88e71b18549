"""Which runs may go."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from shipway.retention.age import too_young
from shipway.retention.in_git import InGit
from shipway.retention.policy import Retention

KIND = "runs, with their logs and pages"


class PastRun(BaseModel):
    """A run, as far as it matters to whether it may go.

    Attributes:
        id: Its id.
        is_over: Whether it has come to an end, so that it neither goes on nor waits.
        ended: When; None where nobody knows.
        is_turn: Whether it is a turn of the agent, or a look for what is new.
        has_newest_page: Whether it, or what ran below it, wrote the newest page of some kind.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    is_over: bool
    ended: datetime | None
    is_turn: bool
    has_newest_page: bool


def days_of_run(keep: Retention, *, is_turn: bool) -> int:
    """How many days a run stays after its end."""
    return keep.agent_run_days if is_turn else keep.run_days


def why_run_stays(run: PastRun, in_git: InGit, keep: Retention, now: datetime) -> str | None:
    """Why a run stays; None where it may go.

    Args:
        run: The run.
        in_git: What the ops repository names: the runs of what environments have now.
        keep: What is kept.
        now: The time.
    """
    if not run.is_over:
        return "goes on or waits"
    if in_git.names(run.id):
        return "Git names it: an environment has or had lately what it released"
    if run.has_newest_page:
        return "it wrote the newest page of some kind"
    return too_young(run.ended, days_of_run(keep, is_turn=run.is_turn), now)
