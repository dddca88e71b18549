"""What a rollout has committed, and what the cluster then ran."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from shipway.git.source_changes import Changes


class StepCommit(BaseModel):
    """The ops repository's commit that holds a step.

    Attributes:
        commit: Its id.
        new: Whether this run made it.
        link: The commit as Markdown.
        at: When the step was committed, by whichever run.
        what_changed: Of the app, since the revision before; None where that is the same one, or
            nobody knows.
    """

    model_config = ConfigDict(frozen=True)

    commit: str
    new: bool
    link: str
    at: datetime
    what_changed: Changes | None = None


class RolloutResult(BaseModel):
    """The commits of a rollout, and what the cluster then ran."""

    model_config = ConfigDict(frozen=True)

    commits: tuple[StepCommit, ...]
    served: str | None

    @property
    def what_changed(self) -> Changes | None:
        """What the first step that changed the revision says of that."""
        said = (commit.what_changed for commit in self.commits)
        return next((changes for changes in said if changes), None)
