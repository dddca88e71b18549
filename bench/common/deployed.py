"""A run of a deployment, as people start it: from the call until it is over for who looks."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import UUID

from prefect import get_client
from pydantic import BaseModel, ConfigDict

RELEASE = "release/release"

LOOK_SECONDS = 0.05
PATIENCE_SECONDS = 1200


class Called(BaseModel):
    """How a run ended.

    Attributes:
        state: The name of its final state.
        message: What the state says.
        seconds: From the call to the final state.
        flow: Of these, the seconds between the run's own start and end.
    """

    model_config = ConfigDict(frozen=True)

    run: UUID
    state: str
    message: str
    seconds: float
    flow: float


async def call(deployment: str, parameters: dict[str, Any]) -> Called:
    """Start a deployment, and wait until the run is over.

    Args:
        deployment: Flow and deployment, as in `release/release`.
        parameters: Of the flow.
    """
    async with get_client() as client, asyncio.timeout(PATIENCE_SECONDS):
        found = await client.read_deployment_by_name(deployment)
        begin = time.perf_counter()
        run = await client.create_flow_run_from_deployment(found.id, parameters=parameters)
        while run.state is None or not run.state.is_final():
            await asyncio.sleep(LOOK_SECONDS)
            run = await client.read_flow_run(run.id)
        seconds = time.perf_counter() - begin
    lasted = run.end_time - run.start_time if run.start_time and run.end_time else None
    return Called(
        run=run.id,
        state=run.state.name or "",
        message=run.state.message or "",
        seconds=seconds,
        flow=lasted.total_seconds() if lasted else 0.0,
    )
