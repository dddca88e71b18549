"""What is new in an app's repository, for each environment that takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from prefect.logging import get_run_logger

from blocks.source_repository import SourceRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.rollout.new_revisions import Follower, Left, Next, next_of


@external_task("look for what is new in {url}", retry_seconds=())
async def look_ahead(url: str, followers: Sequence[Follower]) -> list[Next | Left]:
    """What becomes of the branches and tags of a repository; it is asked once for all of them.

    Args:
        url: The repository.
        followers: The environments that take new revisions of its apps.

    Raises:
        RefuseError: The repository is not there or shallow, or access is denied.
        RetryError: Git does not answer; the next look is soon enough.
    """
    source = await load_block(SourceRepository, followers[0].app_environment.app)
    questions = [follower.question for follower in followers]
    looked = await asyncio.to_thread(source.look_ahead, questions)
    for name, before in looked.moved.items():
        if name.startswith("refs/tags/"):
            get_run_logger().warning("%s: %s has moved; it was at %s", url, name, before)
    answers = zip(followers, looked.answers, strict=True)
    found = (next_of(follower, answer) for follower, answer in answers)
    return [each for each in found if each is not None]
