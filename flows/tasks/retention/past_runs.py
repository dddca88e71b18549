"""Runs on the Prefect server, with their logs and pages."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    ArtifactCollectionFilter,
    ArtifactCollectionFilterFlowRunId,
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterEndTime,
    FlowRunFilterParentFlowRunId,
)
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound
from prefect.variables import Variable

from blocks.ops_repository import OpsRepository
from flows.runtime.busy_apps import PAGE, each_run
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.errors import RefuseError
from shipway.retention.age import days_of
from shipway.retention.in_git import InGit, read_in_git
from shipway.retention.outcome import Item, Outcome
from shipway.retention.policy import Retention
from shipway.retention.runs import KIND, PastRun, days_of_run, why_run_stays

# The bootstrap writes it: the names of the deployments that are Shipway's.
DEPLOYMENTS = "shipway_deployments"
TURNS = "agent"
# Of one deployment; what is left is for tomorrow.
MOST = 5_000


class Deployment(NamedTuple):
    """A deployment of Shipway's; of some, the runs are turns of the agent and the like."""

    id: UUID
    name: str
    is_turn: bool


@external_task("runs")
async def clear_past_runs(keep: Retention, *, dry_run: bool) -> Outcome:
    """Delete runs of Shipway's deployments that may go, at most 5,000 of each deployment.

    Raises:
        RefuseError: It is not known which deployments are Shipway's; or Git denies access, or the
            ops repository's history is not all there.
        RetryError: Git does not answer.
    """
    now = datetime.now(UTC)
    since = now - timedelta(days=keep.run_days)
    ops = await load_block(OpsRepository)
    in_git = await asyncio.to_thread(read_in_git, ops, keep.rollbacks, since)
    items, stays = list[Item](), Counter[str]()
    async with get_client() as client:
        for deployment in await _deployments(client):
            clearing = _Clearing(client, deployment, in_git, keep, now)
            count = await clearing.clear(stays, dry_run=dry_run)
            if count:
                days = days_of(days_of_run(keep, is_turn=deployment.is_turn))
                items.append(Item(name=deployment.name, why=f"older than {days}", count=count))
    return Outcome(kind=KIND, goes=tuple(items), stays=stays)


class _Clearing(NamedTuple):
    """The runs of one deployment, and what decides which of them go."""

    client: PrefectClient
    deployment: Deployment
    in_git: InGit
    keep: Retention
    now: datetime

    async def clear(self, stays: Counter[str], *, dry_run: bool) -> int:
        """Delete what may go; return how many, and count what stays."""
        days = days_of_run(self.keep, is_turn=self.deployment.is_turn)
        before = {"before_": self.now - timedelta(days=days)}
        old = FlowRunFilter(
            deployment_id=FlowRunFilterDeploymentId(any_=[self.deployment.id]),
            end_time=FlowRunFilterEndTime.model_validate(before),
        )
        runs = list[FlowRun]()
        async for run in each_run(self.client, old):
            runs.append(run)
            if len(runs) == MOST:
                break
        count = 0
        for run in runs:
            family = [run.id, *await _below(self.client, [run.id])]
            reason = await self._why_it_stays(run, family)
            if reason is not None:
                stays[reason] += 1
                continue
            count += 1
            if not dry_run:
                await _delete(self.client, family)
        return count

    async def _why_it_stays(self, run: FlowRun, family: list[UUID]) -> str | None:
        past = PastRun(
            id=str(run.id),
            is_over=run.state is not None and run.state.is_final(),
            ended=run.end_time,
            is_turn=self.deployment.is_turn,
            has_newest_page=await _has_newest_page(self.client, family),
        )
        return why_run_stays(past, self.in_git, self.keep, self.now)


async def _deployments(client: PrefectClient) -> list[Deployment]:
    names = await Variable.aget(DEPLOYMENTS)
    if not isinstance(names, list):
        raise RefuseError(
            "It is not known which deployments are Shipway's.",
            where=f"variable {DEPLOYMENTS} of the Prefect server",
            expected="a list of names",
            got=repr(names),
            untouched="all runs",
            remedy="run `python -m deployments.bootstrap`",
        )
    found = list[Deployment]()
    for name in names:
        with suppress(ObjectNotFound):
            deployment = await client.read_deployment_by_name(str(name))
            is_turn = TURNS in deployment.tags
            found.append(Deployment(id=deployment.id, name=str(name), is_turn=is_turn))
    return found


async def _below(client: PrefectClient, runs: Iterable[UUID]) -> list[UUID]:
    """The subflows of runs, and theirs; not what is a run of a deployment itself."""
    parents = FlowRunFilterParentFlowRunId(any_=list(runs))
    found = [
        run.id
        async for run in each_run(client, FlowRunFilter(parent_flow_run_id=parents))
        if run.deployment_id is None
    ]
    return [*found, *(await _below(client, found) if found else [])]


async def _has_newest_page(client: PrefectClient, runs: list[UUID]) -> bool:
    of_runs = ArtifactCollectionFilterFlowRunId(any_=runs)
    newest = await client.read_latest_artifacts(
        artifact_filter=ArtifactCollectionFilter(flow_run_id=of_runs), limit=1
    )
    return bool(newest)


async def _delete(client: PrefectClient, runs: list[UUID]) -> None:
    """Delete runs, the outermost one last: until then, it is found again."""
    of_runs = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=runs))
    # The server deletes a run's logs with it, and leaves its pages.
    while pages := await client.read_artifacts(artifact_filter=of_runs, limit=PAGE):
        for page in pages:
            with suppress(ObjectNotFound):
                await client.delete_artifact(page.id)
    for run in reversed(runs):
        with suppress(ObjectNotFound):
            await client.delete_flow_run(run)
