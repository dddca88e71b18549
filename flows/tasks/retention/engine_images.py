"""Images on the engine."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from blocks.image_builder import ImageBuilder
from flows.runtime.busy_apps import busy_apps
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.retention.engine_images import KIND, images_on, images_that_go, remove_images
from shipway.retention.outcome import Outcome
from shipway.retention.policy import Retention
from shipway.runners.docker_engine import engine_client


@external_task("images on the engine")
async def clear_engine_images(keep: Retention, *, dry_run: bool) -> Outcome:
    """Remove images on the engine that may go; a buildkitd in its place clears its own.

    Raises:
        RetryError: The engine does not answer.
    """
    builder = await load_block(ImageBuilder)
    if builder.address:
        return Outcome(kind=KIND)
    async with engine_client(builder.engine.get_client, builder.engine.base_url) as client:
        images = await asyncio.to_thread(images_on, client)
        busy, now = await busy_apps(), datetime.now(UTC)
        goes, outcome = images_that_go(images, busy, keep, now)
        if dry_run:
            return outcome
        used = await asyncio.to_thread(remove_images, client, goes)
    seen = [each.model_copy(update={"is_used": each.id in used or each.is_used}) for each in images]
    return images_that_go(seen, busy, keep, now)[1]
