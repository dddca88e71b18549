"""Deploy, beforehand: what the API server would refuse does not reach Git."""

from __future__ import annotations

import asyncio

from blocks.errors import Refuse
from blocks.kube.dry_run import refusals
from blocks.ops_repository import OpsRepository
from flows.strategies import Step
from flows.tasks.deploy.clusters import cluster_of
from flows.tasks.deploy.manifests import manifests_of
from flows.tasks.deploy.places import changed_files
from flows.tasks.deploy.target import Target
from flows.tasks.outside import outside


@outside("dry run of {step.name}")
async def dry_run(target: Target, step: Step, tag: str) -> None:
    """Ask the API server for all of the folder as a step would leave it.

    Another agent applies in its own way, so that it is not asked there.

    Args:
        target: The environment.
        step: The step.
        tag: The image's tag, for files that hold one beside the digest.

    Raises:
        Refuse: It would refuse an object.
        Retry: It does not answer.
    """
    if target.rollout.agent != "reconcile" or not step.edits:
        return
    ops = await OpsRepository.aload("default")
    wanted = await asyncio.to_thread(ops.fetch, target.environment, target.app)
    changed = changed_files(wanted, step.edits, tag)
    manifests = await manifests_of(ops, target, wanted, changed)
    cluster = await cluster_of(target.cluster)
    async with cluster.client() as client:
        found = await refusals(client, target.rollout.namespace, list(manifests.objects))
    if found:
        raise Refuse(
            "The cluster would refuse what the release commits.",
            where=", ".join(found),
            expected="objects that the API server takes",
            got="\n".join(found.values()),
            untouched="the ops repository and the cluster",
            remedy="correct the manifests in the ops repository, and start the release again",
        )
