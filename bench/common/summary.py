"""What a release says of itself, for programs."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
)


async def summary(app: str, run: UUID) -> dict[str, Any] | None:
    """The row that a release to staging left; nothing where it wrote none."""
    mine = ArtifactFilter(
        key=ArtifactFilterKey(any_=[f"{app}-staging-summary"]),
        flow_run_id=ArtifactFilterFlowRunId(any_=[run]),
    )
    async with get_client() as client:
        found = await client.read_artifacts(artifact_filter=mine)
    return json.loads(str(found[0].data))[0] if found else None
