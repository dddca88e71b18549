"""What is seen of an environment that another agent applies, and what of it the team hears."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

# What became of the run that committed what Git says; unknown where its server cannot tell.
RunEnd = Literal["goes on", "completed", "gave up", "unknown"]


class LastChange(BaseModel):
    """The commit that changed a folder last.

    Attributes:
        fingerprint: Of the folder since then.
        commit: The commit; the newest one of all where the history is not whole.
        at: When it was made; None where nobody knows.
    """

    model_config = ConfigDict(frozen=True)

    fingerprint: str
    commit: str
    at: datetime | None


class Observation(BaseModel):
    """What a look at an environment of another agent has found, beside how healthy it is.

    Attributes:
        change: What Git has there.
        agent: What the agent says of that; empty where rollout.yaml names none.
        is_stopped: Whether the agent is suspended or fails.
        run: What became of the run that committed it.
        is_compared: Whether the cluster was compared with Git: before the agent has applied what
            Git says, nothing is drift.
        not_compared: Why some of it could not be compared.
        told: What the team has heard of it.
    """

    model_config = ConfigDict(frozen=True)

    change: LastChange
    agent: str = ""
    is_stopped: bool = False
    run: RunEnd = "unknown"
    is_compared: bool = False
    not_compared: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
