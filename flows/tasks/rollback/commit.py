"""Deploy, the way back: a rollback with its hold."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from flows.runtime.external_task import external_task
from flows.runtime.interrupted_runs import was_interrupted
from flows.runtime.load_block import load_block
from flows.runtime.run_link import this_run
from flows.tasks.rollout.commit import committed, say_asked
from shipway.config.holds import HOLDS_FILE, Hold, Holds, read_holds, write_holds
from shipway.git.ops_folder import Landed, OpsFolder, Proposal
from shipway.git.trailers import Recorded
from shipway.rollback.target import RollbackTarget, begun_target, rollback_target
from shipway.rollout.commit_message import release_message
from shipway.rollout.committed import Committed
from shipway.rollout.fields import changed_files
from shipway.rollout.target import Target, target_of
from shipway.strategies.step import first_with_edits


class WentBack(BaseModel):
    """A way back, with its first commit."""

    model_config = ConfigDict(frozen=True)

    goal: RollbackTarget
    committed: Committed


@external_task("roll back {target.app} in {target.environment}")
async def commit_rollback(target: Target, to: str | None, reason: str, by: str) -> WentBack:
    """Commit an earlier release's image, and a hold on the one that runs now.

    A way back that Git has begun is gone on with instead, without a commit here.

    Args:
        target: The environment.
        to: Revision to go back to, or the beginning of its id; the release before this if None.
        reason: Why.
        by: Who.

    Raises:
        RefuseError: There is no release to go back to.
    """
    ops = await load_block(OpsRepository)
    source = await load_block(SourceRepository, target.app)
    goal, landed = await asyncio.to_thread(go_back, ops, source, target, to, reason, by)
    return WentBack(goal=goal, committed=committed(ops, landed, datetime.now(UTC)))


@external_task("see whether a way back is left")
async def unfinished_rollback(target: Target, image: str) -> RollbackTarget | None:
    """Where a way back from an image leads that Git has begun and that was not finished."""
    ops = await load_block(OpsRepository)
    source = await load_block(SourceRepository, target.app)
    history = await asyncio.to_thread(ops.history, target.environment, target.app)
    goal = await asyncio.to_thread(
        begun_target, source, target, history, None, this_run(), was_interrupted
    )
    return goal if goal is not None and goal.held == image else None


def go_back(
    ops: OpsRepository,
    source: SourceRepository,
    target: Target,
    to: str | None,
    reason: str,
    by: str,
) -> tuple[RollbackTarget, Landed]:
    """Commit the way back: one commit with the first step to the earlier image, and the hold."""
    found: list[RollbackTarget] = []

    def propose(wanted: OpsFolder, history: list[Recorded]) -> Proposal | None:
        now = target_of(wanted, target.app, target.environment)
        goal = rollback_target(source, wanted, now, history, to, this_run(), was_interrupted)
        found.append(goal)
        if goal.begun:
            return None
        step = first_with_edits(now.plan(goal.image, back=True))
        changes = changed_files(wanted, step.edits, goal.revision.commit)
        file = f"{wanted.folder}/{HOLDS_FILE}"
        at = datetime.now(UTC).isoformat(timespec="seconds")
        hold = Hold(image=goal.held, revision=goal.bad, reason=reason, by=by, at=at)
        before = read_holds(wanted.files.get(HOLDS_FILE), file).holds
        changes[file] = write_holds(Holds(holds=[*before, hold]))
        more = {"Rollback-From": goal.bad, "Held": goal.held, "Reason": reason, "By": by}
        message = release_message(
            target.app, target.environment, goal.revision, goal.image, step.name, more, this_run()
        )
        return Proposal(changes=changes, message=message)

    landed = ops.commit(target.environment, target.app, propose, say_asked)
    return found[-1], landed
