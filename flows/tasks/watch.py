"""Deploy, seen through: the agent is asked to apply, the cluster watched until it is healthy."""

from __future__ import annotations

import asyncio
import time
from uuid import UUID

from prefect import get_client
from prefect.deployments.flow_runs import arun_deployment
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger

from blocks.cluster import Cluster
from blocks.concurrency import together
from blocks.errors import Fail, Refuse
from blocks.images import ImageRef, repository_of
from blocks.kube.client import KubeClient
from blocks.kube.health import Health
from blocks.kube.objects import KubeObject, images_of
from flows.tasks.commit import Committed
from flows.tasks.outside import outside
from flows.tasks.target import Target

POLL_SECONDS = 0.5
AGENT = "reconcile/on-commit"


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


async def follow(target: Target, committed: Committed, image: str) -> str:
    """Have a commit applied, and watch until the cluster runs it; return what it then serves."""
    ask = committed.new and target.rollout.agent == "reconcile"
    asked = await ask_agent(target.environment, target.app) if ask else None
    return await watch_rollout(target, image, asked)


@outside("ask the agent for {environment}/{app}")
async def ask_agent(environment: str, app: str) -> UUID | None:
    """Start the agent's deployment now instead of at its next turn; return the flow run."""
    wanted = {"environment": environment, "app": app}
    try:
        run = await arun_deployment(AGENT, parameters=wanted, timeout=0, as_subflow=False)
    except ObjectNotFound:
        get_run_logger().warning(
            "There is no deployment %s to ask; the commit waits for the cluster's agent. "
            "`prefect deploy --all` makes it.",
            AGENT,
        )
        return None
    return run.id


@outside("watch {target.app} in {target.environment}")
async def watch_rollout(target: Target, image: str, asked: UUID | None) -> str:
    """Watch until every workload of the release runs `image` and is healthy.

    Args:
        target: The environment.
        image: The wanted image, by digest.
        asked: The agent's run that was asked to apply the commit, if one was.
    """
    cluster = await cluster_of(target.cluster)
    async with cluster.client() as client, together() as group:
        workloads = target.workloads or await _rendered(cluster, client, target, image)
        watches = [
            group.create_task(_watch(cluster, client, target, workload, image, asked))
            for workload in workloads
        ]
    return "; ".join(watch.result() for watch in watches)


async def _rendered(
    cluster: Cluster, client: KubeClient, target: Target, image: str
) -> tuple[KubeObject, ...]:
    """The workloads that an agent rendered: those of the namespace with the app's image."""
    repository, namespace = ImageRef.parse(image).repository, target.rollout.namespace
    deadline = time.monotonic() + target.rollout.progress_deadline
    while time.monotonic() < deadline:
        if found := await cluster.workloads(client, namespace, repository):
            return tuple(found)
        await asyncio.sleep(POLL_SECONDS)
    raise _not_applied(target, None, f"no workload there runs an image of {repository}")


async def _watch(
    cluster: Cluster,
    client: KubeClient,
    target: Target,
    workload: KubeObject,
    image: str,
    asked: UUID | None,
) -> str:
    repository = ImageRef.parse(image).repository
    own = {
        name: image
        for name, current in images_of(workload).items()
        if name in target.containers or repository_of(current) == repository
    }
    namespace = _namespace(target, workload)
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
        if not health.applied and (words := await _failure_of(asked)) is not None:
            raise _not_applied(target, workload, words)
        if time.monotonic() - moved > deadline:
            words = f"no progress for {deadline:.0f} s"
            if not health.applied:
                raise _not_applied(target, workload, words)
            raise _failed(target, workload, health, words)
        await asyncio.sleep(POLL_SECONDS)


def _namespace(target: Target, workload: KubeObject) -> str:
    return workload.namespace or target.rollout.namespace


async def _failure_of(run: UUID | None) -> str | None:
    """What a flow run that failed says; None for one that goes on or went well."""
    if run is None:
        return None
    async with get_client() as client:
        state = (await client.read_flow_run(run)).state
    if state is None or not state.is_final() or state.is_completed():
        return None
    return state.message or state.name


def _not_applied(target: Target, workload: KubeObject | None, words: str) -> Fail:
    external = target.rollout.agent == "external"
    namespace = target.rollout.namespace if workload is None else _namespace(target, workload)
    title = f"{workload.title} in " if workload else ""
    return Fail(
        f"The cluster's agent did not apply the release of {target.app} to {target.environment}.",
        where=f"{title}namespace {namespace}",
        expected="the agent to apply what the ops repository says",
        got=words,
        untouched="the cluster; the commit stands in the ops repository and is applied later",
        remedy="look at Argo CD or Flux, whichever follows the ops repository"
        if external
        else "look at the runs of reconcile in the Prefect UI, and whether the pool has a worker",
    )


def _failed(target: Target, workload: KubeObject, health: Health, words: str) -> Fail:
    pod = f" pod {health.pod}" if health.pod else ""
    return Fail(
        f"The rollout of {target.app} to {target.environment} fails.",
        where=f"{workload.title} in namespace {_namespace(target, workload)}{pod}",
        expected=f"{health.wanted} pods that run the image and are ready",
        got="\n".join(part for part in (health.reason, words) if part),
        untouched="the pods of the version before, which go on serving",
        remedy="release a revision that starts, or put the old image back in the ops repository",
    )
