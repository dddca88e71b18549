"""Which environments take new revisions by themselves, as the ops repository says now."""

from __future__ import annotations

import asyncio

from prefect.logging import get_run_logger

from blocks.ops_repository import OpsRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.errors import RefuseError
from shipway.git.ops_folder import OpsFolder
from shipway.rollout.new_revisions import Follower, follower_in, last_known


@external_task("see which environments take new revisions")
async def find_followers() -> list[Follower]:
    """The folders whose rollout.yaml has `releases`; one that cannot be read keeps nobody waiting.

    Raises:
        RefuseError: The ops repository is not there, or access is denied.
        RetryError: Git does not answer.
    """
    ops = await load_block(OpsRepository)
    followers = list[Follower]()
    for folder in await asyncio.to_thread(ops.consult_each, lambda folder, _: folder):
        try:
            follower = await _follower(ops, folder)
        except RefuseError as error:
            # The agent, which reads it too, fails because of it.
            get_run_logger().warning("%s is left out: %s", folder.path, error)
            continue
        if follower is not None:
            followers.append(follower)
    return followers


async def _follower(ops: OpsRepository, folder: OpsFolder) -> Follower | None:
    follower = follower_in(folder)
    if follower is None or follower.recorded is not None:
        return follower
    # Only the history knows what was there before somebody edited the files by hand.
    recorded = await asyncio.to_thread(ops.consult, folder.app_environment, last_known)
    return follower.model_copy(update={"recorded": recorded})
