"""What a rollout has committed, and what the cluster then ran."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class StepCommit(BaseModel):
    """The ops repository's commit that holds a step.

    Attributes:
        commit: Its id.
        new: Whether this run made it.
        link: The commit as Markdown.
        at: When the step was committed, by whichever run.
    """

    model_config = ConfigDict(frozen=True)

    commit: str
    new: bool
    link: str
    at: datetime


class RolloutResult(BaseModel):
    """The commits of a rollout, and what the cluster then ran."""

    model_config = ConfigDict(frozen=True)

    commits: tuple[StepCommit, ...]
    served: str | None
