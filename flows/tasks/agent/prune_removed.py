"""Deploy, the end of it: apps whose folders have left the ops repository leave the cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import timedelta

from prefect.logging import get_run_logger

from blocks.cluster import Cluster
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.registered import registered
from flows.tasks.agent.observe import ANSWER_SECONDS
from flows.tasks.agent.removed import (
    Gone,
    claimed_by,
    delete_what_is_left,
    folder_of,
    read_gone,
    see_what_is_left,
)
from shipway.errors import RetryError, ShipwayError
from shipway.kubernetes.applied_sets import AppliedSet, applied_sets
from shipway.kubernetes.client import NO_ANSWER
from shipway.rollout.leaving import Leaving, not_understood
from shipway.rollout.removed import why_it_waits


async def prune_removed(
    environment: str | None,
    there: Collection[str],
    applied: Collection[str],
    grace: timedelta,
) -> list[Leaving]:
    """Delete what is left of removed apps, after a grace; what the guard holds back waits.

    Args:
        environment: One environment, or all of them if None.
        there: The folders that Git has, of apps.
        applied: Those of them that were applied just now.
        grace: How long what is removed stays.

    Raises:
        RefuseError: The ops repository is shallow.
        RetryError: The Git server does not answer.
    """
    sets, all_answer = await _sets_in(environment)
    gone = [
        one
        for cluster, some in sets.items()
        for one in await _gone_in(cluster, [each for each in some if each.folder not in there])
    ]
    living = {one.folder for some in sets.values() for one in some} & {*there}
    leaving = list[Leaving]()
    for one in gone:
        try:
            leaving.append(await _see_to(one, gone, living, applied, grace, all_answer=all_answer))
        except ShipwayError as error:
            get_run_logger().error("%s: %s", one.applied.folder, error)
            leaving.append(not_understood(one.removal, error))
    return leaving


async def _sets_in(environment: str | None) -> tuple[dict[str, list[AppliedSet]], bool]:
    """The sets of an environment in each cluster, and whether every cluster has told."""
    clusters = await registered(Cluster)
    answers = await asyncio.gather(*map(list_applied, clusters), return_exceptions=True)
    sets, all_answer = dict[str, list[AppliedSet]](), True
    for cluster, answer in zip(clusters, answers, strict=True):
        if isinstance(answer, ShipwayError):
            all_answer = False
            get_run_logger().info("What is removed stays in %s: %s", cluster, answer)
        elif isinstance(answer, BaseException):
            raise answer
        else:
            sets[cluster] = [
                one
                for one in answer
                if one.folder and environment in {None, folder_of(one).environment}
            ]
    return sets, all_answer


async def _gone_in(cluster: str, sets: list[AppliedSet]) -> list[Gone]:
    return await read_gone(cluster, sets) if sets else []


async def _see_to(
    one: Gone,
    gone: Collection[Gone],
    living: Collection[str],
    applied: Collection[str],
    grace: timedelta,
    *,
    all_answer: bool,
) -> Leaving:
    removal = one.removal
    environment = removal.app_environment.environment
    removals = [each.removal for each in gone]
    waits = why_it_waits(
        removal,
        gone=sum(
            each.app_environment.environment == environment and not each.is_meant
            for each in removals
        ),
        left=sum(folder.startswith(f"{environment}/") for folder in living),
        all_answer=all_answer,
        claimed_by=await claimed_by(removal.app_environment, removal.namespace, applied),
    )
    leaving = await see_what_is_left(one, waits, grace)
    return await delete_what_is_left(one, leaving) if leaving.is_due else leaving


@external_task("list what is applied in {cluster}", retry_seconds=())
async def list_applied(cluster: str) -> list[AppliedSet]:
    """Every set in a cluster.

    Raises:
        RefuseError: The agent may not list them.
        RetryError: The cluster does not answer.
    """
    block = await load_block(Cluster, cluster)
    try:
        async with asyncio.timeout(ANSWER_SECONDS), block.client() as client:
            return await applied_sets(client)
    except NO_ANSWER as error:
        raise RetryError("The cluster does not answer.", where=cluster, got=repr(error)) from error
