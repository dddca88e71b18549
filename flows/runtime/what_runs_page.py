"""What runs where as artifacts that agents keep: a page for people, and a summary for programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.client.schemas.filters import ArtifactCollectionFilter, ArtifactCollectionFilterKey
from prefect.client.schemas.objects import ArtifactCollection

from blocks.ops_repository import OpsRepository
from flows.runtime.load_block import load_block
from flows.runtime.run_link import artifact_link
from shipway.reports.what_runs import what_runs_page
from shipway.rollout.status import SUMMARY, WHAT_RUNS, WhatRuns, read_summary


async def read_known() -> WhatRuns:
    """What was known when somebody looked last."""
    async with get_client() as client:
        return _known_in(await _kept(client))


async def write_known(change: Callable[[WhatRuns], WhatRuns]) -> None:
    """Change what is known, on the page and in the summary.

    Both are written in their place: Prefect would keep every version, and give it another address.

    Args:
        change: What is known, of what was known a moment ago: others may have looked meanwhile.
    """
    ops, now = await load_block(OpsRepository), datetime.now(UTC)
    async with get_client() as client:
        kept = await _kept(client)
        known = change(_known_in(kept))
        page = what_runs_page(known, now, ops.link, artifact_link)
        for key, kind, data in (
            (SUMMARY, "table", known.summary()),
            (WHAT_RUNS, "markdown", page),
        ):
            said = {"data": data, "description": known.looked_at(now)}
            if key in kept:
                update = ArtifactUpdate.model_validate(said)
                await client.update_artifact(kept[key].latest_id, update)
            else:
                # It belongs to no run, which would take it away when it is deleted.
                artifact = ArtifactCreate.model_validate({"key": key, "type": kind, **said})
                await client.create_artifact(artifact)


async def _kept(client: PrefectClient) -> dict[str, ArtifactCollection]:
    """The page and the summary, as far as they were ever written."""
    keys = ArtifactCollectionFilterKey(any_=[WHAT_RUNS, SUMMARY])
    kept = await client.read_latest_artifacts(artifact_filter=ArtifactCollectionFilter(key=keys))
    return {artifact.key: artifact for artifact in kept}


def _known_in(kept: Mapping[str, ArtifactCollection]) -> WhatRuns:
    return read_summary(str(kept[SUMMARY].data) if SUMMARY in kept else None)
