"""Deploy, beforehand: what is rendered changes as the steps mean it to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from blocks.ops_repository import OpsRepository
from blocks.renderer import Renderer
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.rollout.render import render_of
from shipway.rollout.rendered_steps import check_rendered_steps
from shipway.rollout.target import Target
from shipway.strategies.step import Step


async def check_rendered(target: Target, steps: Sequence[Step], tag: str) -> bool:
    """See that some steps change what is rendered as they mean to, where the folder is an overlay.

    Args:
        target: The environment.
        steps: The steps, one after the other.
        tag: The image's tag.

    Returns:
        Whether it was rendered; else there is no overlay, or nothing to commit.

    Raises:
        RefuseError: One would not.
        RetryError: Git does not answer, or rendering takes too long.
    """
    if target.overlay is None or not any(step.edits for step in steps):
        return False
    await render_steps(target, steps, tag)
    return True


@external_task("render what the release makes of {target.folder}")
async def render_steps(target: Target, steps: Sequence[Step], tag: str) -> None:
    """Render the folder as it is and as each step leaves it, and compare."""
    ops = await load_block(OpsRepository)
    folder = await asyncio.to_thread(ops.fetch, target.app_environment)
    render = await render_of(ops, partial(load_block, Renderer), target, folder)
    await check_rendered_steps(render, folder, steps, tag)
