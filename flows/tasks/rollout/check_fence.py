"""Deploy, beforehand: whether Git lets the release follow what is there."""

from __future__ import annotations

import asyncio

from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.release import Release
from shipway.rollout.fence import check_release
from shipway.rollout.target import Target


@external_task("see whether {release.revision.short} may follow in {target.folder}")
async def check_fence(target: Target, release: Release) -> None:
    """See that the image is not on hold and the revision no downgrade; the commit asks once more.

    Raises:
        RefuseError: It is.
        RetryError: Git does not answer.
    """
    ops = await load_block(OpsRepository)
    source = await load_block(SourceRepository, target.app)
    await asyncio.to_thread(
        ops.consult,
        target.app_environment,
        lambda folder, history: check_release(source, folder, history, release),
    )
