"""An app whose folder has left the ops repository: what Git says of it, and what follows from that.

Nothing goes that a person may want back, and nothing because Git could not be understood.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from shipway import commands
from shipway.app_environment import AppEnvironment
from shipway.config.rollout import FILE, Rollout, read_rollout
from shipway.errors import RefuseError
from shipway.git.folder_history import Version
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder

# The trailer of a commit that removes an app's folder on purpose.
DECOMMISSIONED = "Decommissioned"


class Removal(BaseModel):
    """The commit by which an app's folder left the ops repository.

    Attributes:
        app_environment: Whose folder it was.
        commit: The commit.
        at: When it was made.
        by: Who wanted it.
        reason: Why, where somebody said so.
        is_meant: Whether the commit says that it is on purpose.
        namespace: Where the folder's objects were.
        cluster: Name of the Cluster block.
        is_ours: Whether Shipway's own agent applied the folder.
    """

    model_config = ConfigDict(frozen=True)

    app_environment: AppEnvironment
    commit: str
    at: datetime
    by: str
    reason: str = ""
    is_meant: bool
    namespace: str
    cluster: str
    is_ours: bool

    @property
    def words(self) -> str:
        """For people."""
        return f"removed from Git by {self.commit[:7]} ({self.by})"


def removal_of(folder: OpsFolder, history: History) -> Removal | None:
    """How a folder left; None where it is there, or where it was never an app's.

    Args:
        folder: What the ops repository says now.
        history: The history of that.
    """
    if folder.files:
        return None
    since = list[Version]()
    for version in history.versions:
        if FILE in version.files:
            return _removal(folder.app_environment, since, version)
        since.append(version)
    return None


def why_it_waits(
    removal: Removal, *, gone: int, left: int, all_answer: bool, claimed_by: str | None
) -> str:
    """Why the objects of a removed app stay until a person has acted; empty where they do not.

    Args:
        removal: How it left.
        gone: How many apps have left the environment that are still in a cluster, and of which
            nobody says that it is on purpose.
        left: How many apps of the environment are in a cluster and in Git.
        all_answer: Whether every cluster was asked, so that these are all.
        claimed_by: Another folder that may have the same objects.
    """
    whose = removal.app_environment
    if claimed_by is not None:
        return f"{claimed_by} has the namespace {removal.namespace} too, and is not applied"
    if removal.is_meant:
        return ""
    if not all_answer:
        return "not every cluster answers, so that nobody knows how many apps are gone"
    if gone > left:
        return (
            f"of {whose.environment}, {gone} apps are gone and {left} are left: put back what is "
            f"to stay, and use {commands.decommission(whose)} for what is to go"
        )
    return ""


def goes_at(removal: Removal, seen: datetime, grace: timedelta) -> datetime:
    """When the objects go: so long after the commit, and after an agent has seen it.

    Args:
        removal: How it left.
        seen: Since when an agent knows.
        grace: How long.
    """
    return max(removal.at, seen) + grace


def claims(folder: OpsFolder, namespace: str) -> bool:
    """Whether a folder of the same app may have objects in a namespace."""
    try:
        return _rollout_in(folder.files, folder.path).namespace == namespace
    except RefuseError:
        return True


def said_of(whose: AppEnvironment, versions: Sequence[Version]) -> dict[str, str]:
    """What the commits say that removed a folder on purpose; nothing where none says so."""
    names = {"App": whose.app, "Environment": whose.environment, DECOMMISSIONED: whose.folder}
    said = (block for version in versions for block in version.said)
    return next((block for block in said if names.items() <= block.items()), {})


def _removal(whose: AppEnvironment, since: Sequence[Version], last: Version) -> Removal | None:
    """How a folder left whose last files are known, by the versions without it, newest first."""
    try:
        rollout = _rollout_in(last.files, whose.folder)
    except RefuseError:
        return None
    said = said_of(whose, since)
    newest = since[0].commit
    return Removal(
        app_environment=whose,
        commit=newest.commit,
        at=newest.at,
        by=said.get("By", newest.by),
        reason=said.get("Reason", ""),
        is_meant=bool(said),
        namespace=rollout.namespace,
        cluster=rollout.cluster or whose.environment,
        is_ours=rollout.agent == "reconcile",
    )


def _rollout_in(files: dict[str, bytes], path: str) -> Rollout:
    return read_rollout(files[FILE].decode("utf-8", "replace"), f"{path}/{FILE}")
