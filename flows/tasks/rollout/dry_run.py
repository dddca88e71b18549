"""Deploy, beforehand: what the API server would refuse does not reach Git."""

from __future__ import annotations

import asyncio

from blocks.cluster import Cluster
from blocks.ops_repository import OpsRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.load_manifests import load_manifests
from flows.runtime.opened_run import opened_run_log
from shipway.errors import RefuseError
from shipway.kubernetes.dry_run import refusals
from shipway.release import Release
from shipway.rollout.appliers import other_agents
from shipway.rollout.fields import changed_files
from shipway.rollout.target import Target
from shipway.strategies.step import Step


@external_task("dry run of {step.name}")
async def dry_run(target: Target, step: Step, release: Release, *, built: bool = True) -> bool:
    """Ask the API server for all of the folder as a step would leave it.

    Another agent applies in its own way, so that it is not asked there.

    Args:
        target: The environment.
        step: The step.
        release: What is released.
        built: Whether its image is there. One that is not may be what a policy does not admit.

    Returns:
        Whether it was asked; else the step changes nothing, or another agent applies it.

    Raises:
        RefuseError: It would refuse an object.
        RetryError: It does not answer.
    """
    if target.rollout.agent != "reconcile" or not step.edits:
        return False
    ops = await load_block(OpsRepository)
    folder = await asyncio.to_thread(ops.fetch, target.app_environment)
    changed = changed_files(folder, step.edits, release.revision.commit)
    manifests = await load_manifests(ops, target, folder, changed)
    cluster = await load_block(Cluster, target.cluster)
    async with cluster.client() as client:
        refused = await refusals(
            client, target.rollout.namespace, manifests.objects, admission=built
        )
        for warning in await other_agents(client, target, step):
            opened_run_log().warning("%s", warning)
    if refused:
        raise RefuseError(
            "The cluster would refuse what the release commits.",
            where=", ".join(refused),
            expected="objects that the API server takes",
            got="\n".join(refused.values()),
            untouched="the ops repository and the cluster",
            remedy="correct the manifests in the ops repository, and start the release again",
        )
    return True
