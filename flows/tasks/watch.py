"""Deploy, seen through: the agent is asked to apply, the cluster watched until it is healthy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import cast
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
from flows.strategies import Edit, Ready, Step
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


async def follow(target: Target, committed: Committed, step: Step) -> str:
    """Have a step's commit applied, and watch until the cluster is there; return what it serves."""
    ask = committed.new and target.rollout.agent == "reconcile"
    asked = await ask_agent(target.environment, target.app) if ask else None
    return await watch_step(target, step, asked)


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


@outside("watch {target.app} in {target.environment}: {step.name}")
async def watch_step(target: Target, step: Step, asked: UUID | None) -> str:
    """Watch until the cluster says what the step set, and its workloads are healthy.

    Args:
        target: The environment.
        step: What was committed.
        asked: The agent's run that was asked to apply the commit, if one was.
    """
    cluster = await cluster_of(target.cluster)
    async with cluster.client() as client:
        # Before the agent has set the replicas, none of none would be healthy.
        for edit in step.edits:
            if edit.place.kind == "field":
                await _see(client, target, edit, asked)
        async with together() as group:
            watches = [
                group.create_task(_watch(cluster, client, target, workload, ready.image, asked))
                for ready in step.ready
                for workload in await _workloads(cluster, client, target, ready)
            ]
    return "; ".join(watch.result() for watch in watches)


async def _workloads(
    cluster: Cluster, client: KubeClient, target: Target, ready: Ready
) -> Sequence[KubeObject]:
    if ready.workload is not None:
        return [one for one in target.workloads if one.title == ready.workload]
    return target.workloads or await _rendered(cluster, client, target, ready.image)


async def _see(client: KubeClient, target: Target, edit: Edit, asked: UUID | None) -> None:
    """Wait until the cluster's object says what a step set."""
    (wanted,) = (one for one in target.objects if one.title == edit.place.title)
    namespace = _namespace(target, wanted)
    deadline = time.monotonic() + target.rollout.progress_deadline
    while True:
        found = await client.get(wanted.api_version, wanted.kind, wanted.name, namespace)
        if value_in(found, edit.place.name) == edit.value:
            return
        if (words := await _failure_of(asked)) is not None:
            raise _not_applied(target, wanted, words)
        if time.monotonic() > deadline:
            words = f"{edit.place.name} is not {edit.value}"
            raise _not_applied(target, wanted, words)
        await asyncio.sleep(POLL_SECONDS)


def images_for(target: Target, workload: KubeObject, image: str) -> dict[str, str]:
    """The containers of a workload that a release sets, each with the wanted image."""
    repository = ImageRef.parse(image).repository
    return {
        name: image
        for name, current in images_of(workload).items()
        if name in target.containers or repository_of(current) == repository
    }


def value_in(body: object, pointer: str) -> object:
    """What a JSON Pointer leads to; None where it leads nowhere."""
    for step in pointer[1:].split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(body, list) and key.isdecimal():
            body = dict(enumerate(cast("list[object]", body))).get(int(key))
        else:
            body = cast("dict[str, object]", body).get(key) if isinstance(body, dict) else None
    return body


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
    own = images_for(target, workload, image)
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
