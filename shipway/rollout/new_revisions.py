"""What is released by itself: new tags, or new tips of a branch, where rollout.yaml says so.

It only goes forward: to the last revision in the line of ancestry that begins at the one that was
released last. Whatever leads elsewhere, or back to what somebody took back, is left to people.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from shipway.app_environment import AppEnvironment
from shipway.config.holds import holds_in
from shipway.config.rollout import ReleaseRule
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.git.record import record_in
from shipway.git.source_refs import Ahead, Question, Ref
from shipway.rollout.frozen import Frozen, frozen_now
from shipway.rollout.releases import Releases, explanation
from shipway.rollout.target import target_of

_NAMED = 5


class Follower(BaseModel):
    """An app in an environment that takes new revisions by itself.

    Attributes:
        app_environment: The app, and the environment.
        rule: What of the app's repository it takes.
        recorded: The revision that its record says was released last; None where the record does
            not explain what the files say.
        held: The revisions that are on hold there.
        frozen: The freeze that is going on there, if one is.
    """

    model_config = ConfigDict(frozen=True)

    app_environment: AppEnvironment
    rule: ReleaseRule
    recorded: str | None
    held: tuple[str, ...]
    frozen: Frozen | None

    @property
    def question(self) -> Question:
        """What it asks of the app's repository."""
        return Question(is_meant=self.rule.means, since=self.recorded)


class Next(BaseModel):
    """What is to be released in an environment.

    Attributes:
        app_environment: The app, and the environment.
        ref: What is to be released.
        superseded: What it contains, and what is therefore not released, newest first.
    """

    model_config = ConfigDict(frozen=True)

    app_environment: AppEnvironment
    ref: Ref
    superseded: tuple[Ref, ...]


class Left(BaseModel):
    """Something new that is not released now, and mostly left to people.

    Attributes:
        app_environment: The app, and the environment.
        why: What it is, why it is not released, and what to do.
    """

    model_config = ConfigDict(frozen=True)

    app_environment: AppEnvironment
    why: str


def follower_in(folder: OpsFolder) -> Follower | None:
    """Who takes new revisions by itself, by what its folder says; None where nobody does.

    Raises:
        RefuseError: The folder cannot be read.
    """
    target = target_of(folder)
    if target.rollout.releases is None:
        return None
    said = explanation([record_in(folder.files)], target.images)
    return Follower(
        app_environment=folder.app_environment,
        rule=target.rollout.releases,
        recorded=said.get("Revision"),
        held=tuple(hold.revision for hold in holds_in(folder.files, folder.path).holds),
        frozen=frozen_now(folder),
    )


def last_known(folder: OpsFolder, history: History) -> str | None:
    """The revision that was released last, of those that are known; None before the first one."""
    return Releases(folder, target_of(folder), history).last_known.get("Revision")


def was_released(commit: str, history: History) -> bool:
    """Whether a commit of the ops repository says that it released a revision in this folder."""
    return any(
        said.get("Revision") == commit
        for version in history.versions
        for said in (record_in(version.files), *version.said)
    )


def next_of(follower: Follower, ahead: Ahead) -> Next | Left | None:
    """What becomes of the revisions that are ahead; None where there are none."""
    where, newest = follower.app_environment, ahead.newest
    if len(newest) > 1:
        why = f"none of {_names(newest)} contains all others: release one of them"
    elif newest and newest[0].commit in follower.held:
        why = f"{newest[0].title} was rolled back and is on hold: clear the hold, or mend it"
    elif newest and follower.frozen is not None:
        frozen = follower.frozen
        why = (
            f"{newest[0].title} is released after {frozen.end}: frozen by {frozen.by}, "
            f"{frozen.reason}"
        )
    elif newest:
        return Next(app_environment=where, ref=newest[0], superseded=ahead.superseded)
    elif ahead.beside:
        why = (
            f"what was released last, {str(follower.recorded)[:7]}, is not in "
            f"{_names(ahead.beside)}: release one of them if that is meant"
        )
    else:
        return None
    return Left(app_environment=where, why=why)


def _names(refs: tuple[Ref, ...]) -> str:
    """The names of some refs, or of the first ones."""
    more = f" and {len(refs) - _NAMED} more" if len(refs) > _NAMED else ""
    return ", ".join(ref.title for ref in refs[:_NAMED]) + more
