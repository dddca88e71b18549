"""What a run came to, for a CI job: JSON on standard output, and an exit status.

`python -m deployments.summary RUN` waits until the flow run RUN is over, prints its summary, and
exits with 0 if it completed, 1 if its work came out red or was stopped, and 2 if it is not there.
`--junit FILE` writes the JUnit XML of all layers, for a CI server that shows test results; where it
cannot be read, the exit status is 2 as well.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound
from prefect.flow_runs import wait_for_flow_run
from prefect.results import aget_default_result_storage

UNKNOWN = 2


async def summary(run: UUID) -> tuple[FlowRun, dict[str, Any]]:
    """Wait until a flow run is over; its summary is empty where it never began.

    Args:
        run: Id of a run of release, nightly or rollback.

    Raises:
        ObjectNotFound: There is no such run.
    """
    over = await wait_for_flow_run(run, timeout=None, poll_interval=1)
    of_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run]))
    async with get_client() as client:
        artifacts = await client.read_artifacts(artifact_filter=of_run)
    rows = [artifact.data for artifact in artifacts if (artifact.key or "").endswith("-summary")]
    return over, json.loads(str(rows[0]))[0] if rows else {}


async def junit(row: dict[str, Any]) -> bytes:
    """The JUnit XML of a run's layers, from where Prefect keeps results.

    Raises:
        LookupError: The run had no layer.
        OSError: It cannot be read from here.
    """
    if not row.get("junit"):
        raise LookupError("the run came to no layer; see its error")
    storage: Any = await aget_default_result_storage()
    try:
        return await storage.aread_path(row["junit"])
    except (OSError, ValueError) as error:
        raise OSError(
            f"{row['junit']} cannot be read from here ({error}); CI on another machine than the "
            "worker needs a storage that both reach: PREFECT_DEFAULT_RESULT_STORAGE_BLOCK"
        ) from error


async def main(arguments: list[str]) -> int:
    """Print a run's summary; return the exit status."""
    parser = argparse.ArgumentParser(prog="deployments.summary", description=__doc__)
    parser.add_argument("run", type=UUID, help="id of the flow run")
    parser.add_argument("--junit", type=Path, help="where to write the JUnit XML of all layers")
    given = parser.parse_args(arguments)
    try:
        over, row = await summary(given.run)
    except ObjectNotFound:
        print(f"✗ there is no flow run {given.run}", file=sys.stderr)
        return UNKNOWN
    state = over.state
    print(json.dumps({"run": over.name, "state": state.name if state else None, **row}, indent=2))
    if given.junit:
        try:
            given.junit.write_bytes(await junit(row))
        except (LookupError, OSError) as error:
            print(f"✗ no JUnit XML was written to {given.junit}: {error}", file=sys.stderr)
            return UNKNOWN
    return 0 if state is not None and state.is_completed() else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
