"""Deploy, the end: Git says that a release is done, where another environment waits for that."""

from __future__ import annotations

import asyncio

from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.run_context import run_context
from shipway.release import Release
from shipway.rollout import done
from shipway.rollout.result import StepCommit
from shipway.rollout.target import Target


@external_task("see whether another environment waits for {target.folder}")
async def is_awaited(target: Target) -> bool:
    """Whether another environment takes its versions from this one by itself.

    Raises:
        RefuseError: The ops repository is not there, or access is denied.
        RetryError: Git does not answer.
    """
    return await asyncio.to_thread(done.is_awaited, await load_block(OpsRepository), target)


@external_task("commit that {release.revision.short} is done")
async def commit_done(target: Target, release: Release, notes: dict[str, str]) -> StepCommit:
    """Commit that a run has seen a release through.

    Args:
        target: The environment.
        release: What is released.
        notes: Trailers: what the gates of the last step said.

    Raises:
        RefuseError: Somebody else has taken the environment over.
        RetryError: Git does not answer.
    """
    ops = await load_block(OpsRepository)
    source = await load_block(SourceRepository, target.app)
    return await asyncio.to_thread(
        done.commit_done, ops, source, target, release, notes, run_context()
    )
