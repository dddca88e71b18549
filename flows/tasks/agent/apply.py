"""Deploy, in the cluster's name: make it equal to what Git says."""

from __future__ import annotations

import asyncio

from pydantic import BaseModel, ConfigDict

from blocks.cluster import Cluster
from blocks.ops_repository import OpsRepository
from blocks.renderer import Renderer
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.git.ops_folder import OpsFolder
from shipway.kubernetes.apply import Change, apply_set
from shipway.rollout.render import manifests_of
from shipway.rollout.target import target_of
from shipway.strategies.step import is_released


class Applied(BaseModel):
    """What applying one app's folder changed."""

    model_config = ConfigDict(frozen=True)

    folder: str
    commit: str
    changes: tuple[Change, ...]


@external_task("list the apps")
async def apps_of(environment: str | None, app: str | None) -> list[tuple[str, str]]:
    """Every (environment, app) of the ops repository, or those of one environment or app."""
    ops = await load_block(OpsRepository)
    return await asyncio.to_thread(ops.apps, environment, app)


@external_task("apply {environment}/{app}")
async def apply(environment: str, app: str) -> Applied | None:
    """Apply one app's folder at the tip of the ops repository, until the tip is what was applied.

    None where another agent does, or where nothing was released yet: until then the image is a
    placeholder, and only digests reach the cluster.
    """
    ops = await load_block(OpsRepository)
    wanted = await asyncio.to_thread(ops.fetch, environment, app)
    changes: list[Change] = []
    while (done := await _apply(ops, wanted, app, environment)) is not None:
        now = wanted
        if any(change.action != "unchanged" for change in done):
            now = await asyncio.to_thread(ops.fetch, environment, app)
        if now.files == wanted.files:
            return Applied(folder=wanted.folder, commit=wanted.commit, changes=(*changes, *done))
        # Another run of the agent may have applied that commit already: what differed from the one
        # before it was no drift, and is to be put right.
        changes += [change.model_copy(update={"drift": False}) for change in done]
        wanted = now
    return None


async def _apply(
    ops: OpsRepository, wanted: OpsFolder, app: str, environment: str
) -> list[Change] | None:
    target = target_of(wanted, app, environment)
    if target.rollout.agent != "reconcile" or not all(map(is_released, target.images)):
        return None
    renderer = await load_block(Renderer) if target.rollout.render else None
    manifests = await manifests_of(ops, renderer, target, wanted)
    cluster = await load_block(Cluster, target.cluster)
    async with cluster.client() as client:
        return await apply_set(
            client,
            app,
            target.rollout.namespace,
            list(manifests.objects),
            manifests.fingerprint,
            heal=target.rollout.drift == "heal",
        )
