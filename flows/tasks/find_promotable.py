"""Promotion: what the environments before run that has proven itself there."""

from __future__ import annotations

import asyncio
from functools import partial

from blocks.cluster import Cluster
from blocks.ops_repository import OpsRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.app_environment import AppEnvironment
from shipway.config.rollout import Promotion
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.release import Cause, Release
from shipway.rollout.fence import refuse_held
from shipway.rollout.promotion import Promotable, check_health, released_in, same_in_all
from shipway.rollout.releases import Releases, revision_of
from shipway.rollout.target import target_of


@external_task("see what {promotion.sources} runs of {app}")
async def find_promotable(app: str, promotion: Promotion, cause: Cause) -> Release:
    """The version that all environments before run, if it has been healthy for long enough.

    Args:
        app: The app.
        promotion: Which environments these are, and how long is enough.
        cause: What lets the version follow that else could not.

    Raises:
        RefuseError: There is no release, a rollout is under way, they run different versions, or
            the version is not healthy or has not been for long enough.
        RetryError: Git or a cluster does not answer.
    """
    return await promotable(app, promotion, cause)


async def promotable(app: str, promotion: Promotion, cause: Cause) -> Release:
    """The same, within a task."""
    ops = await load_block(OpsRepository)
    question = partial(_released, by_itself=promotion.by_itself)
    found = [
        await asyncio.to_thread(ops.consult, source, question)
        for source in _sources(app, promotion)
    ]
    version = same_in_all(found)
    for each in found:
        cluster = await load_block(Cluster, each.target.cluster)
        async with cluster.client() as client:
            await check_health(client, each, promotion)
    promoted = cause.model_copy(update={"promoted_from": promotion.sources})
    revision = revision_of(version.commit.trailers, version.commit.at)
    return Release(revision=revision, image=version.image, cause=promoted)


@external_task("see that {promotion.sources} has not rolled {release.revision.short} back")
async def check_still_promotable(app: str, promotion: Promotion, release: Release) -> None:
    """See that a version that a person was asked about is not on hold where it comes from.

    Raises:
        RefuseError: It is.
        RetryError: Git does not answer.
    """
    ops = await load_block(OpsRepository)
    for source in _sources(app, promotion):
        refuse_held(await asyncio.to_thread(ops.fetch, source), release)


def _sources(app: str, promotion: Promotion) -> list[AppEnvironment]:
    return [AppEnvironment(app=app, environment=source) for source in promotion.source]


def _released(folder: OpsFolder, history: History, *, by_itself: bool) -> Promotable:
    """What a folder says, the image that runs there, and the commit that brought it."""
    target = target_of(folder)
    releases = Releases(folder, target, history)
    return released_in(target, (ran.commit for ran in releases.newest_first), by_itself=by_itself)
