"""Roll back, gone on with: what a run that was killed has left."""

from __future__ import annotations

import asyncio

from blocks.ops_repository import OpsRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.run_context import run_context
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.image_ref import ImageRef
from shipway.release import Release
from shipway.rollback.target import RollbackTarget, rollback_in_progress
from shipway.rollout.target import Target, target_of


@external_task("see whether a rollback is unfinished")
async def find_unfinished_rollback(target: Target, image: ImageRef) -> Release | None:
    """What a rollback from an image leads to that Git has in progress."""
    ops = await load_block(OpsRepository)
    run = run_context()

    def in_progress(folder: OpsFolder, history: History) -> RollbackTarget | None:
        return rollback_in_progress(folder, target_of(folder), history, None, run)

    rollback = await asyncio.to_thread(ops.consult, target.app_environment, in_progress)
    if rollback is None or rollback.from_image != str(image):
        return None
    return rollback.release
