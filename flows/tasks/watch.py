"""Deploy, seen through: the agent is asked to apply, the cluster watched until it is healthy."""

from __future__ import annotations

import asyncio
import time

from prefect.deployments.flow_runs import arun_deployment
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger

from blocks.cluster import Cluster
from blocks.concurrency import together
from blocks.errors import Fail, Refuse
from blocks.kube.client import KubeClient
from blocks.kube.health import Health
from blocks.kube.objects import KubeObject
from flows.tasks.outside import outside
from flows.tasks.target import Target, containers_of

POLL_SECONDS = 0.5
AGENT = "reconcile/reconcile"


async def cluster_of(name: str) -> Cluster:
    """The Cluster block of an environment.

    Raises:
        Refuse: There is none.
    """
    try:
        return await Cluster.aload(name)
    except ValueError as error:
        raise Refuse(
            f"There is no cluster {name!r}.",
            where=f"block cluster/{name}",
            expected="a Cluster block named like the environment, or as rollout.yaml says",
            untouched="the cluster",
            remedy="create it in the Prefect UI under Blocks, or with deployments.bootstrap",
        ) from error


@outside("ask the agent for {environment}")
async def ask_agent(environment: str) -> None:
    """Start the reconcile deployment now instead of at its next turn."""
    try:
        run = await arun_deployment(AGENT, parameters={"environment": environment}, timeout=0)
    except ObjectNotFound:
        get_run_logger().warning(
            "There is no deployment %s to ask; the commit waits for the cluster's agent. "
            "`prefect deploy --all` makes it.",
            AGENT,
        )
    else:
        get_run_logger().info("Asked for %s as run %s", AGENT, run.name)


@outside("watch {target.app} in {target.environment}")
async def watch_rollout(target: Target, images: dict[str, str]) -> str:
    """Watch until every workload of the release runs `images` and is healthy.

    Args:
        target: The environment.
        images: The wanted image by container.
    """
    cluster = await cluster_of(target.cluster)
    async with cluster.client() as client, together() as group:
        watches = [
            group.create_task(_watch(cluster, client, target, workload, images))
            for workload in target.workloads
        ]
    return "; ".join(watch.result() for watch in watches)


async def _watch(
    cluster: Cluster,
    client: KubeClient,
    target: Target,
    workload: KubeObject,
    images: dict[str, str],
) -> str:
    own = {name: image for name, image in images.items() if name in containers_of(workload)}
    namespace = workload.namespace or target.rollout.namespace
    deadline = target.rollout.progress_deadline
    moved, last = time.monotonic(), None
    while True:
        health = await cluster.health(client, workload, namespace, own)
        if health != last:
            get_run_logger().info("%s: %s", workload.title, health.reason)
        if health.state == "healthy":
            return f"{workload.title}: {health.reason}"
        if health.state == "failed":
            words = await cluster.last_words(client, namespace, health)
            raise _failed(target, workload, health, words)
        if last is None or health.progress != last.progress:
            moved = time.monotonic()
        last = health
        if time.monotonic() - moved > deadline:
            raise _failed(target, workload, health, f"no progress for {deadline:.0f} s")
        await asyncio.sleep(POLL_SECONDS)


def _failed(target: Target, workload: KubeObject, health: Health, words: str) -> Fail:
    pod = f" pod {health.pod}" if health.pod else ""
    return Fail(
        f"The rollout of {target.app} to {target.environment} fails.",
        where=f"{workload.title} in namespace {target.rollout.namespace}{pod}",
        expected=f"{health.wanted} pods that run the image and are ready",
        got="\n".join(part for part in (health.reason, words) if part),
        untouched="the pods of the version before, which go on serving",
        remedy="release a revision that starts, or put the old image back in the ops repository",
    )
