"""Deploy, the only way to change an environment: a commit in the ops repository."""

from __future__ import annotations

import asyncio

from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.run_context import run_context
from shipway.release import Release
from shipway.rollout.commit import commit_release
from shipway.rollout.result import StepCommit
from shipway.rollout.target import Target
from shipway.strategies.step import Step


@external_task("commit {step.name}")
async def commit_step(
    target: Target, step: Step, release: Release, notes: dict[str, str]
) -> StepCommit:
    """Commit a step at the tip of the ops repository; no commit where Git already says so.

    Args:
        target: The environment.
        step: The step.
        release: What is released.
        notes: Further trailers: what gates and people said.
    """
    ops = await load_block(OpsRepository)
    source = await load_block(SourceRepository, target.app)
    return await asyncio.to_thread(
        commit_release, ops, source, target, step, release, notes, run_context()
    )
