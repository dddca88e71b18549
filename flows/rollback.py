"""The way back: one commit to an earlier release, and a hold on the one that failed."""

from __future__ import annotations

from prefect import flow

from flows.rollout import Until, rollout
from flows.runtime.run_name import name_this_run
from flows.runtime.run_reporter import journal
from flows.tasks.rollback.commit import commit_rollback
from flows.tasks.rollback.safety_check import go_back_now
from flows.tasks.rollout.read_target import read_target
from shipway.parameters import required_line
from shipway.release import Cause
from shipway.rollout.committed import RolledOut


@flow(name="rollback", flow_run_name="{app} in {environment}: back")
async def rollback(
    app: str,
    environment: str,
    reason: str,
    by: str,
    to: str | None = None,
    until: Until = "healthy",
) -> None:
    """Go back to an earlier release; what runs now stays on hold until somebody clears it.

    Args:
        app: App, as its Source Repository block is named.
        environment: Environment, as its folder in the ops repository is named.
        reason: Why; it stands in the commit and in the hold.
        by: Who wants it; it stands beside the reason.
        to: Revision to go back to, or the beginning of its id; the release before if empty.
        until: Stop at the GitOps commit, or see the rollout through until healthy.
    """
    why, who = required_line("reason", reason), required_line("by", by)
    async with journal(app, environment) as log:
        target = await read_target(app, environment)
        watched = until == "healthy"
        go = go_back_now if watched else commit_rollback
        went = await log.timed("release", go(target, to, why, who))
        goal = went.goal
        await log.goes_to(goal.revision)
        await name_this_run(f"{app} back to {goal.revision.short} in {environment}")
        served = None
        if watched:
            cause = Cause(back_from=goal.bad)
            rest = rollout(app, environment, goal.revision, goal.image, cause=cause)
            served = (await log.timed("deploy", rest)).served
        log.rolled_out(goal.image, RolledOut(commits=(went.committed,), served=served))
