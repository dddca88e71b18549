"""A deployment whose runs nobody takes."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from prefect import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort


@asynccontextmanager
async def deployment_of_nobody(flow: str) -> AsyncGenerator[tuple[str, uuid.UUID]]:
    """A deployment of a flow in a pool that no worker follows: its name and its id."""
    name = f"nobody-{uuid.uuid4().hex[:8]}"
    async with get_client() as client:
        await client.create_work_pool(WorkPoolCreate(name=name, type="process"))
        made = await client.create_deployment(
            await client.create_flow_from_name(flow),
            name,
            work_pool_name=name,
            enforce_parameter_schema=False,
        )
        yield f"{flow}/{name}", made
        for run in await runs_of(made):
            await client.delete_flow_run(run.id)
        await client.delete_deployment(made)
        await client.delete_work_pool(name)


async def runs_of(deployment: uuid.UUID) -> list[FlowRun]:
    """The runs of a deployment, as they were started."""
    only = DeploymentFilter(id=DeploymentFilterId(any_=[deployment]))
    async with get_client() as client:
        return await client.read_flow_runs(
            deployment_filter=only, sort=FlowRunSort.EXPECTED_START_TIME_ASC
        )
