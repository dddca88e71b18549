"""One release in a process of its own, as a worker or a CI job starts it.

`python -m bench.common.release_once APP REVISION`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from prefect import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort

from flows.release import release


async def main(app: str, revision: str) -> int:
    """Release up to the GitOps commit; print the seconds of the flow and of its stages."""
    begin = time.perf_counter()
    state = await release(app, revision, until="commit", return_state=True)
    flow = time.perf_counter() - begin
    print("seconds", json.dumps({"flow": flow, **await stages(app)}))
    return 0 if state.is_completed() else 1


async def stages(app: str) -> dict[str, Any]:
    """Seconds by stage, as the release's own summary has them."""
    key = ArtifactFilter(key=ArtifactFilterKey(any_=[f"{app}-staging-summary"]))
    async with get_client() as client:
        newest, *_ = await client.read_artifacts(
            artifact_filter=key, sort=ArtifactSort.CREATED_DESC
        )
    return json.loads(str(newest.data))[0]["stages"]


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], sys.argv[2])))
