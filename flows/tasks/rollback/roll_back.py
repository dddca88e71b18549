"""Roll back: what takes over at once is looked at, and an earlier release is committed."""

from __future__ import annotations

import asyncio

from blocks.cluster import Cluster
from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from flows.runtime.beside import do_beside
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.notify import announce
from flows.runtime.run_context import run_context
from flows.tasks.agent.external_agent import nudge_agent
from flows.tasks.agent.tell_standing_agents import tell_standing_agents
from flows.tasks.rollout.live_pods import with_live_pods
from flows.tasks.waiting import NOT_LOOKED_AFTER, look_after_waiting
from shipway.errors import RefuseError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.rollback import safety_check
from shipway.rollback.commit import CommittedRollback, Reason, commit_rollback
from shipway.rollback.target import RollbackTarget, rollback_target
from shipway.rollout.target import Target, target_of
from shipway.strategies.step import first_with_edits


async def roll_back_safely(target: Target, to: str | None, reason: Reason) -> CommittedRollback:
    """Commit a rollback once it is known to be safe, and tell the agent at once, then the team.

    Raises:
        RefuseError: There is no release to go back to.
        HaltError: The version to go back to has no healthy pod, and the one to leave has.
    """
    await check_takeover(target, to)
    target = await with_live_pods(target, way_back=True)
    rollback = await roll_back(target, to, reason)
    if target.rollout.agent == "reconcile":
        await tell_standing_agents(target.app_environment)
    else:
        await nudge_agent(target)
    back = rollback.target.release
    words = f"{back.title(target.app_environment)}, by {reason.by}: {reason.why}"
    await announce(target, back, "start", words)
    do_beside(look_after_waiting(target.app_environment), NOT_LOOKED_AFTER)
    return rollback


@external_task("see what {target.app} in {target.environment} can go back to")
async def check_takeover(target: Target, to: str | None) -> None:
    """See that the first step of a rollback gives the requests to pods that can take them.

    A rollback that Git has in progress waits for them before it goes on, as any rollout does.
    """
    ops = await load_block(OpsRepository)
    run = run_context()

    def leads_to(folder: OpsFolder, history: History) -> tuple[Target, RollbackTarget]:
        current = target_of(folder)
        return current, rollback_target(folder, current, history, to, run)

    current, rollback = await asyncio.to_thread(ops.consult, target.app_environment, leads_to)
    if rollback.in_progress:
        return
    step = first_with_edits(current.plan(rollback.image, rollback=True))
    if not step.requires:
        return
    cluster = await load_block(Cluster, current.cluster)
    async with cluster.client() as client:
        await safety_check.check_takeover(client, current, step)


@external_task("roll back {target.app} in {target.environment}")
async def roll_back(target: Target, to: str | None, reason: Reason) -> CommittedRollback:
    """Commit an earlier release's image, and a hold on the one that runs now.

    A rollback that Git has in progress is gone on with instead, without a commit here.

    Args:
        target: The environment.
        to: Revision to go back to, or the beginning of its id; the release before this if None.
        reason: Why, and who.

    Raises:
        RefuseError: There is no release to go back to.
    """
    ops = await load_block(OpsRepository)
    source = await _source_of(target.app)
    return await asyncio.to_thread(commit_rollback, ops, source, target, to, reason, run_context())


async def _source_of(app: str) -> SourceRepository | None:
    """Where the app's code is, if there is such a block."""
    try:
        return await load_block(SourceRepository, app)
    except RefuseError:
        return None
