"""A row of the history, and what kind of change it is."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

Kind = Literal["step", "deployment", "rollback", "hold cleared", "removal"]


class Change(BaseModel):
    """A commit that changed what an environment runs, or may run.

    Attributes:
        app: The app.
        commit: The commit.
        at: When it was made.
        kind: A deployment is the last step of a rollout, or an image that somebody put there by
            hand; a rollback is the first step of the way back, or a revert by hand. Every other
            commit of a rollout is a step. A removal is the end of the app's folder.
        what: The same in words.
        image: The image that it was about.
        revision: What the image was built from.
        revision_at: When the revision was committed, where that is known.
        by: Who wanted it.
        reason: Why, where somebody said so.
        run: The run that committed it; empty where somebody did so by hand.
        failed_at: When the deployment was made that a rollback took back, if it took back one.
        is_rework: Whether it is the first deployment after a rollback.
    """

    model_config = ConfigDict(frozen=True)

    app: str
    commit: str
    at: datetime
    kind: Kind
    what: str
    image: str
    revision: str
    revision_at: datetime | None = None
    by: str
    reason: str = ""
    run: str = ""
    failed_at: datetime | None = None
    is_rework: bool = False
