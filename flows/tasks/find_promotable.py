"""Promotion: what an environment runs that has proven itself there."""

from __future__ import annotations

import asyncio

from blocks.cluster import Cluster
from blocks.ops_repository import OpsRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.app_environment import AppEnvironment
from shipway.config.rollout import Promotion
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.git.trailers import OpsCommit
from shipway.image_ref import ImageRef
from shipway.release import Cause, Release
from shipway.rollout.fence import refuse_held
from shipway.rollout.promotion import check_health, released_in
from shipway.rollout.releases import Releases, revision_of
from shipway.rollout.target import Target, target_of


@external_task("see what {promotion.source} runs of {app}")
async def find_promotable(app: str, promotion: Promotion, cause: Cause) -> Release:
    """The version that the environment before runs, if it has been healthy for long enough.

    Args:
        app: The app.
        promotion: Which environment that is, and how long is enough.
        cause: What lets the version follow that else could not.

    Raises:
        RefuseError: There is no release, a rollout is under way, or the version is not healthy
            or has not been for long enough.
        RetryError: Git or the cluster does not answer.
    """
    ops = await load_block(OpsRepository)
    app_environment = AppEnvironment(app=app, environment=promotion.source)
    target, image, commit = await asyncio.to_thread(ops.consult, app_environment, _released)
    cluster = await load_block(Cluster, target.cluster)
    async with cluster.client() as client:
        await check_health(client, target, image, promotion, commit.at)
    revision = revision_of(commit.trailers, commit.at)
    promoted = cause.model_copy(update={"promoted_from": promotion.source})
    return Release(revision=revision, image=image, cause=promoted)


@external_task("see that {promotion.source} has not rolled {release.revision.short} back")
async def check_still_promotable(app: str, promotion: Promotion, release: Release) -> None:
    """See that a version that a person was asked about is not on hold where it comes from.

    Raises:
        RefuseError: It is.
        RetryError: Git does not answer.
    """
    ops = await load_block(OpsRepository)
    app_environment = AppEnvironment(app=app, environment=promotion.source)
    refuse_held(await asyncio.to_thread(ops.fetch, app_environment), release)


def _released(folder: OpsFolder, history: History) -> tuple[Target, ImageRef, OpsCommit]:
    """What a folder says, the image that runs there, and the commit that brought it."""
    target = target_of(folder)
    releases = Releases(folder, target, history)
    return target, *released_in(target, (ran.commit for ran in releases.newest_first))
