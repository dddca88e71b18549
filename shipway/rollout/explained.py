"""Why an environment runs what it runs: the commits that brought it there."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.rollout.deployed import Deployed, deployed_in
from shipway.rollout.releases import what_ran


class CommittedStep(BaseModel):
    """A commit that changed what runs.

    Attributes:
        commit: The commit.
        at: When it was made.
        by: Its author.
        said: The trailers that explain it; none where somebody did it by hand.
    """

    model_config = ConfigDict(frozen=True)

    commit: str
    at: datetime
    by: str
    said: dict[str, str]


class Explained(BaseModel):
    """What runs, and the steps of the release that brought it there, newest first."""

    model_config = ConfigDict(frozen=True)

    deployed: Deployed
    steps: tuple[CommittedStep, ...]


def explain(folder: OpsFolder, history: History) -> Explained:
    """Why an app's folder says what it says.

    Raises:
        RefuseError: What it says cannot be read.
    """
    steps = list[CommittedStep]()
    for one in what_ran(history):
        if steps and one.said.get("Release") != steps[0].said.get("Release"):
            break
        commit = one.commit
        steps.append(CommittedStep(commit=commit.commit, at=commit.at, by=commit.by, said=one.said))
        if not one.said:
            break
    return Explained(deployed=deployed_in(folder), steps=tuple(steps))
