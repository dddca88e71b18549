"""Promotion: what an environment runs that has proven itself there."""

from __future__ import annotations

import asyncio

from blocks.cluster import Cluster
from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.app_environment import AppEnvironment
from shipway.config.rollout import Promotion
from shipway.release import Cause, Release
from shipway.rollout.promotion import check_health, released_in
from shipway.rollout.target import target_of


@external_task("see what {promotion.source} runs of {app}")
async def find_promotable(app: str, promotion: Promotion, cause: Cause) -> Release:
    """The version that the environment before runs, if it has been healthy for long enough.

    Args:
        app: The app.
        promotion: Which environment that is, and how long is enough.
        cause: Why the version will be rolled out.

    Raises:
        RefuseError: There is no release, a rollout is under way, or the version is not healthy
            or has not been for long enough.
        RetryError: Git or the cluster does not answer.
    """
    ops = await load_block(OpsRepository)
    app_environment = AppEnvironment(app=app, environment=promotion.source)
    target = target_of(await asyncio.to_thread(ops.fetch, app_environment))
    image, commit = released_in(target, await asyncio.to_thread(ops.history, app_environment))
    cluster = await load_block(Cluster, target.cluster)
    async with cluster.client() as client:
        await check_health(client, target, image, promotion, commit.at)
    source = await load_block(SourceRepository, app)
    revision = await asyncio.to_thread(source.resolve, commit.trailers["Revision"])
    return Release(revision=revision, image=image, cause=cause)
