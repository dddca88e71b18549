"""Roll back, gone on with: what a run that was killed has left."""

from __future__ import annotations

import asyncio

from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.run_context import run_context
from shipway.image_ref import ImageRef
from shipway.release import Release
from shipway.rollback.target import rollback_in_progress
from shipway.rollout.target import Target


@external_task("see whether a rollback is unfinished")
async def find_unfinished_rollback(target: Target, image: ImageRef) -> Release | None:
    """What a rollback from an image leads to that Git has in progress."""
    ops = await load_block(OpsRepository)
    source = await load_block(SourceRepository, target.app)
    history = await asyncio.to_thread(ops.history, target.app_environment)
    rollback = await asyncio.to_thread(
        rollback_in_progress, source, target, history, None, run_context()
    )
    if rollback is None or rollback.from_image != str(image):
        return None
    return rollback.release
