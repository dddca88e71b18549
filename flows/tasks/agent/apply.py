"""Deploy, in the cluster's name: make it equal to what Git says."""

from __future__ import annotations

import asyncio
from functools import partial

from blocks.cluster import Cluster
from blocks.ops_repository import OpsRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.load_manifests import load_manifests
from shipway.app_environment import AppEnvironment
from shipway.git.ops_folder import OpsFolder
from shipway.kubernetes.apply_object import Change
from shipway.rollout.apply import Applied, apply_target, apply_tip, is_for_reconcile
from shipway.rollout.target import target_of


@external_task("list the apps")
async def list_apps(environment: str | None, app: str | None) -> list[AppEnvironment]:
    """Every app and environment of the ops repository, or those of one environment or app."""
    ops = await load_block(OpsRepository)
    return await asyncio.to_thread(ops.apps, environment=environment, app=app)


@external_task("apply {app_environment.folder}")
async def apply(app_environment: AppEnvironment) -> Applied | None:
    """Apply one app's folder at the tip of the ops repository, until the tip is what was applied.

    None where another agent does, or where nothing was released yet.
    """
    ops = await load_block(OpsRepository)

    async def fetch() -> OpsFolder:
        return await asyncio.to_thread(ops.fetch, app_environment)

    return await apply_tip(fetch, partial(_apply_folder, ops))


async def _apply_folder(ops: OpsRepository, folder: OpsFolder) -> list[Change] | None:
    """Apply a folder once; None where that is not for this agent to do."""
    target = target_of(folder)
    if not is_for_reconcile(target):
        return None
    manifests = await load_manifests(ops, target, folder)
    cluster = await load_block(Cluster, target.cluster)
    async with cluster.client() as client:
        return await apply_target(client, target, manifests)
