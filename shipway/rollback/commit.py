"""The first commit of a rollback: an earlier image, and a hold on the one that failed."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from shipway.config.holds import HOLDS_FILE, Hold, Holds, holds_in, write_holds
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder, Proposal
from shipway.git.ops_repository import OpsRepository
from shipway.git.source_changes import Changes
from shipway.git.source_repository import SourceRepository
from shipway.rollback.target import RollbackTarget, rollback_target, same_in_progress
from shipway.rollout.commit import changes_since, step_commit
from shipway.rollout.commit_message import release_proposal
from shipway.rollout.fields import changed_files
from shipway.rollout.result import StepCommit
from shipway.rollout.run_context import RunContext
from shipway.rollout.target import Target, target_of
from shipway.strategies.step import first_with_edits


class Reason(BaseModel):
    """Why somebody asks for something, and who: both stand in the commit."""

    model_config = ConfigDict(frozen=True)

    why: str
    by: str


class CommittedRollback(BaseModel):
    """Where a rollback leads, and its first commit."""

    model_config = ConfigDict(frozen=True)

    target: RollbackTarget
    commit: StepCommit


def commit_rollback(
    ops: OpsRepository,
    source: SourceRepository | None,
    target: Target,
    to: str | None,
    reason: Reason,
    run: RunContext,
) -> CommittedRollback:
    """Commit the first step to an earlier image, and the hold, together.

    A rollback that Git has in progress is gone on with instead, without a commit here.

    Args:
        ops: The ops repository.
        source: The app's repository, which tells what is taken back; a way back needs none.
        target: The environment.
        to: Revision to go back to, or the beginning of its id; the release before this if None.
        reason: Why, and who.
        run: The run that rolls back.

    Raises:
        RefuseError: There is no release to go back to.
        RetryError: Git does not answer.
    """
    chosen: list[RollbackTarget] = []
    what_changed: Changes | None = None

    def propose(folder: OpsFolder, history: History) -> Proposal | None:
        nonlocal what_changed
        current = target_of(folder).with_live_pods(target.live_pods)
        # Another run may have committed just that meanwhile: it is not gone back twice.
        rollback = same_in_progress(folder, current, history, chosen[-1], run) if chosen else None
        rollback = rollback or rollback_target(folder, current, history, to, run)
        chosen.append(rollback)
        if rollback.in_progress:
            return None
        step = first_with_edits(current.plan(rollback.image, rollback=True))
        edited = changed_files(folder, step.edits, rollback.revision.commit)
        changes = {**edited, **_with_hold(folder, rollback, reason)}
        trailers = {
            "Rollback-From": rollback.from_revision,
            "Held": rollback.from_image,
            "Reason": reason.why,
            "By": reason.by,
        }
        what_changed = changes_since(source, rollback.from_revision, rollback.revision)
        return release_proposal(
            folder, changes, rollback.release, step.name, trailers, run.link, what_changed
        )

    landed = ops.commit(target.app_environment, propose, run.on_review)
    commit = step_commit(ops, landed, datetime.now(UTC), what_changed)
    return CommittedRollback(target=chosen[-1], commit=commit)


def _with_hold(
    folder: OpsFolder, rollback: RollbackTarget, reason: Reason
) -> dict[str, bytes | None]:
    """The folder's holds.yaml with a hold on the image that the rollback leads away from."""
    hold = Hold(
        image=rollback.from_image,
        revision=rollback.from_revision,
        reason=reason.why,
        by=reason.by,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    holds = Holds(holds=[*holds_in(folder.files, folder.path).holds, hold])
    return {f"{folder.path}/{HOLDS_FILE}": write_holds(holds)}
