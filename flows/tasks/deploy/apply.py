"""Deploy, in the cluster's name: make it equal to what Git says."""

from __future__ import annotations

import asyncio

from pydantic import BaseModel, ConfigDict

from blocks.kube.apply import Change
from blocks.ops_repository import OpsRepository, Wanted
from flows.strategies import is_released
from flows.tasks.deploy.clusters import cluster_of
from flows.tasks.deploy.manifests import manifests_of
from flows.tasks.deploy.target import target_of
from flows.tasks.outside import outside


class Applied(BaseModel):
    """What applying one app's folder changed."""

    model_config = ConfigDict(frozen=True)

    folder: str
    commit: str
    changes: tuple[Change, ...]


@outside("list the apps")
async def apps_of(environment: str | None, app: str | None) -> list[tuple[str, str]]:
    """Every (environment, app) of the ops repository, or those of one environment or app."""
    ops = await OpsRepository.aload("default")
    return await asyncio.to_thread(ops.apps, environment, app)


@outside("apply {environment}/{app}")
async def apply(environment: str, app: str) -> Applied | None:
    """Apply one app's folder at the tip of the ops repository, until the tip is what was applied.

    None where another agent does, or where nothing was released yet: until then the image is a
    placeholder, and only digests reach the cluster.
    """
    ops = await OpsRepository.aload("default")
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
    ops: OpsRepository, wanted: Wanted, app: str, environment: str
) -> list[Change] | None:
    target = target_of(wanted, app, environment)
    if target.rollout.agent != "reconcile" or not all(map(is_released, target.images)):
        return None
    manifests = await manifests_of(ops, target, wanted)
    cluster = await cluster_of(target.cluster)
    return await cluster.apply(
        app,
        target.rollout.namespace,
        list(manifests.objects),
        manifests.fingerprint,
        heal=target.rollout.drift == "heal",
    )
