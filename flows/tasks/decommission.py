"""Decommission: what goes with an app's folder is looked at, and the folder is removed."""

from __future__ import annotations

import asyncio

from blocks.cluster import Cluster
from blocks.ops_repository import OpsRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.run_context import run_context
from shipway.app_environment import AppEnvironment
from shipway.decommission import Decommission, commit_decommission, look_at_folder
from shipway.errors import ShipwayError
from shipway.kubernetes.applied_sets import contents_of, find_set
from shipway.kubernetes.client import NO_ANSWER
from shipway.rollback.commit import Reason
from shipway.rollout.result import StepCommit
from shipway.rollout.target import Target


@external_task("see what goes with {app_environment.folder}")
async def see_what_goes(
    app_environment: AppEnvironment, override_freeze: str | None
) -> Decommission:
    """What a decommission takes along, and what refuses it; nothing is changed."""
    ops = await load_block(OpsRepository)
    seen, target = await asyncio.to_thread(look_at_folder, ops, app_environment, override_freeze)
    if target is None:
        return seen
    try:
        return seen.model_copy(update=await _in_cluster(target))
    except (ShipwayError, *NO_ANSWER) as error:
        words = error.what if isinstance(error, ShipwayError) else repr(error)
        return seen.model_copy(update={"unknown": words})


@external_task("remove {app_environment.folder}")
async def remove_folder(
    app_environment: AppEnvironment, reason: Reason, override_freeze: str | None
) -> StepCommit:
    """Commit the removal of an app's folder."""
    ops = await load_block(OpsRepository)
    return await asyncio.to_thread(
        commit_decommission, ops, app_environment, reason, override_freeze, run_context()
    )


async def _in_cluster(target: Target) -> dict[str, tuple[object, ...]]:
    """The objects that go, and those that stay."""
    cluster = await load_block(Cluster, target.cluster)
    async with cluster.client() as client:
        applied = await find_set(client, target.app, target.rollout.namespace)
        if applied is None:
            return {}
        goes, stays = await contents_of(client, applied)
    return {
        "goes": tuple(member.title for member in goes),
        "stays": tuple((member.title, why) for member, why in stays),
    }
