"""Promotion: what runs in an environment, and whether it has proven itself there."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict

from blocks.cluster import Cluster
from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.tasks.rollout.watch import images_for, workloads_of
from shipway.config.rollout import Promotion
from shipway.errors import RefuseError
from shipway.git.revision import Revision
from shipway.git.trailers import Recorded
from shipway.kubernetes.objects import KubeObject
from shipway.kubernetes.workloads import health_of, healthy_since
from shipway.rollout.target import Target, target_of
from shipway.strategies.step import Ready, is_released

UNTOUCHED = "everything: nothing was committed"


class Promotable(BaseModel):
    """A version that has proven itself."""

    model_config = ConfigDict(frozen=True)

    revision: Revision
    image: str


def promotion_of(target: Target) -> Promotion:
    """Where an environment takes its next version from.

    Raises:
        RefuseError: Its rollout.yaml does not say.
    """
    if target.rollout.promotion is not None:
        return target.rollout.promotion
    raise RefuseError(
        f"{target.environment!r} takes no promotion of {target.app!r}.",
        where=f"{target.folder}/rollout.yaml at {target.commit[:7]}",
        expected="promotion: {source: <the environment before>}",
        untouched=UNTOUCHED,
    )


@external_task("see what {promotion.source} runs of {app}")
async def find_promotable(app: str, promotion: Promotion) -> Promotable:
    """The version that the environment before runs, if it has been healthy for long enough.

    Raises:
        RefuseError: There is no release, a rollout is under way, or the version is not healthy
            or has not been for long enough.
        RetryError: Git or the cluster does not answer.
    """
    ops = await load_block(OpsRepository)
    wanted = await asyncio.to_thread(ops.fetch, promotion.source, app)
    target = target_of(wanted, app, promotion.source)
    history = await asyncio.to_thread(ops.history, promotion.source, app)
    image, released = release_in(target, history)
    await _check_health(target, image, promotion, released.at)
    source = await load_block(SourceRepository, app)
    revision = await asyncio.to_thread(source.resolve, released.trailers["Revision"])
    return Promotable(revision=revision, image=image)


def release_in(target: Target, history: list[Recorded]) -> tuple[str, Recorded]:
    """The image that an environment runs, and the commit that brought it there in the end.

    Raises:
        RefuseError: There is no release, or its rollout is under way.
    """
    image = target.strategy.serving_image(target.current)
    released = next((one for one in history if one.trailers.get("Image") == image), None)
    left = [step.name for step in target.plan(image) if step.edits]
    if not is_released(image) or released is None or left:
        raise RefuseError(
            f"{target.environment!r} has no release of {target.app!r} to promote.",
            where=f"{target.folder} at {target.commit[:7]}",
            expected="a release of Shipway's whose rollout is over",
            got=f"still to come: {', '.join(left)}" if left else image,
            untouched=UNTOUCHED,
            remedy=f"release to {target.environment} first, and see it through",
        )
    return image, released


async def _check_health(
    target: Target, image: str, promotion: Promotion, committed: datetime
) -> None:
    cluster = await load_block(Cluster, target.cluster)
    serving = {ready.workload for step in target.plan(image) for ready in step.ready}
    async with cluster.client() as client:
        everything = Ready(image=image)
        for workload in await workloads_of(client, target, everything, wait=False):
            if None not in serving and workload.title not in serving:
                continue
            namespace = workload.namespace or target.rollout.namespace
            images = images_for(target, workload, image)
            health = await health_of(client, workload, namespace, images)
            if health.state != "healthy":
                raise _not_yet(target, workload, "healthy", health.reason)
            since = await healthy_since(client, workload, namespace)
            for_ = datetime.now(UTC) - max(committed, since or committed)
            if for_ < timedelta(seconds=promotion.healthy_for_seconds):
                expected = f"healthy for {promotion.healthy_for_seconds:.0f} s"
                raise _not_yet(target, workload, expected, f"for {for_.total_seconds():.0f} s")


def _not_yet(target: Target, workload: KubeObject, expected: str, got: str) -> RefuseError:
    return RefuseError(
        f"What {target.environment!r} runs of {target.app!r} has not proven itself yet.",
        where=f"{workload.title} in {target.environment}",
        expected=expected,
        got=got,
        untouched=UNTOUCHED,
        remedy="promote later, or change promotion.healthy_for_seconds in rollout.yaml",
    )
