"""A run of a deployment, started once: Prefect keeps a run's key for as long as the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterIdempotencyKey
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort
from prefect.deployments.flow_runs import arun_deployment
from prefect.exceptions import ObjectNotFound

from shipway.errors import RefuseError


async def start_once(
    deployment: str, parameters: Mapping[str, Any], key: str, tags: Sequence[str]
) -> FlowRun:
    """Start a run of its own, and do not wait for it; the one that has this key, if one has.

    Args:
        deployment: Such as `release/release`.
        parameters: Of the flow.
        key: What tells the run from all others.
        tags: Of the run.

    Raises:
        RefuseError: There is no such deployment.
    """
    try:
        return await arun_deployment(
            deployment,
            parameters=dict(parameters),
            idempotency_key=key,
            tags=[*tags],
            timeout=0,
            as_subflow=False,
        )
    except ObjectNotFound:
        raise RefuseError(
            f"The Prefect server has no deployment {deployment}.",
            untouched="everything: no run was started",
            remedy="prefect deploy --all",
        ) from None


async def runs_with(keys: Sequence[str]) -> dict[str | None, FlowRun]:
    """The runs that were started by some keys, by their key."""
    of_keys = FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=[*keys]))
    async with get_client() as client:
        runs = await client.read_flow_runs(
            flow_run_filter=of_keys, sort=FlowRunSort.EXPECTED_START_TIME_DESC
        )
    return {run.idempotency_key: run for run in runs}
