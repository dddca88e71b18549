"""What a release says of its own stages."""

from __future__ import annotations

import json
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
)


async def stages(app: str, run: UUID) -> dict[str, float]:
    """Seconds by stage of a release to staging, from its summary."""
    mine = ArtifactFilter(
        key=ArtifactFilterKey(any_=[f"{app}-staging-summary"]),
        flow_run_id=ArtifactFilterFlowRunId(any_=[run]),
    )
    async with get_client() as client:
        (found,) = await client.read_artifacts(artifact_filter=mine)
    return json.loads(str(found.data))[0]["stages"]
