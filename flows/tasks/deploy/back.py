"""Deploy, the way back: a rollback with its hold."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from blocks.config import HOLDS_FILE, Hold, Holds, read_holds, write_holds
from blocks.ops_repository import Landed, OpsRepository, Proposal, Wanted
from blocks.source_repository import SourceRepository
from blocks.vcs.trailers import Recorded
from flows.strategies import first_with_edits
from flows.tasks.code import source_of
from flows.tasks.deploy.commit import Committed, committed, say_asked
from flows.tasks.deploy.goal import Goal, begun_goal, goal_of
from flows.tasks.deploy.message import release_message
from flows.tasks.deploy.places import changed_files
from flows.tasks.deploy.target import Target, target_of
from flows.tasks.outside import outside


class WentBack(BaseModel):
    """A way back, with its first commit."""

    model_config = ConfigDict(frozen=True)

    goal: Goal
    committed: Committed


@outside("roll back {target.app} in {target.environment}")
async def commit_rollback(target: Target, to: str | None, reason: str, by: str) -> WentBack:
    """Commit an earlier release's image, and a hold on the one that runs now.

    A way back that Git has begun is gone on with instead, without a commit here.

    Args:
        target: The environment.
        to: Revision to go back to, or the beginning of its id; the release before this if None.
        reason: Why.
        by: Who.

    Raises:
        Refuse: There is no release to go back to.
    """
    ops = await OpsRepository.aload("default")
    source = await source_of(target.app)
    goal, landed = await asyncio.to_thread(go_back, ops, source, target, to, reason, by)
    return WentBack(goal=goal, committed=committed(ops, landed, datetime.now(UTC)))


@outside("see whether a way back is left")
async def unfinished_way_back(target: Target, image: str) -> Goal | None:
    """Where a way back from an image leads that Git has begun and that was not finished."""
    ops = await OpsRepository.aload("default")
    source = await source_of(target.app)
    history = await asyncio.to_thread(ops.history, target.environment, target.app)
    goal = await asyncio.to_thread(begun_goal, source, target, history, None)
    return goal if goal is not None and goal.held == image else None


def go_back(
    ops: OpsRepository,
    source: SourceRepository,
    target: Target,
    to: str | None,
    reason: str,
    by: str,
) -> tuple[Goal, Landed]:
    """Commit the way back: one commit with the first step to the earlier image, and the hold."""
    found: list[Goal] = []

    def propose(wanted: Wanted, history: list[Recorded]) -> Proposal | None:
        now = target_of(wanted, target.app, target.environment)
        goal = goal_of(source, wanted, now, history, to)
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
            target.app, target.environment, goal.revision, goal.image, step.name, more
        )
        return Proposal(changes=changes, message=message)

    landed = ops.commit(target.environment, target.app, propose, say_asked)
    return found[-1], landed
