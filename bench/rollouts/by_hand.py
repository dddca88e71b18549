"""Somebody changes the cluster by hand: when it is told of, as what, and what becomes of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from prefect import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort

from bench.common.section import Cell, Section
from bench.rollouts.rollout_app import RolloutApp, now, rollout_app

INTERVAL_SECONDS = 60
TIMEOUT_SECONDS = 3 * INTERVAL_SECONDS
WHO = "ada-with-kubectl"


async def by_hand() -> Section:
    """Change a Deployment where drift is healed, and where it is only reported."""
    rows: list[dict[str, Cell]] = []
    for drift in ("heal", "report"):
        async with rollout_app("rolling") as app:
            if drift == "report":
                app.change("strategy: rolling\n", "strategy: rolling\ndrift: report\n")
                await asyncio.sleep(INTERVAL_SECONDS)
            rows.append({"drift": drift, **await _changed(app)})
    return Section(
        title="A person edits the Deployment by hand",
        about=f"Nobody starts anything: the schedule's own runs of reconcile, every "
        f"{INTERVAL_SECONDS} s, tell of it. From the edit to the report, the run's time included.",
        rows=tuple(rows),
        promises={
            "reported with what and who": all(
                row["Field"] == "spec.replicas" and str(row["Who"]).startswith(WHO) for row in rows
            ),
            "within one interval, and the time that the run takes to start": all(
                float(row["After, s"]) <= INTERVAL_SECONDS + 30 for row in rows
            ),
            "healed where the environment says so, and only there": [
                row["Replicas then"] for row in rows
            ]
            == [3, 5],
        },
    )


async def _changed(app: RolloutApp) -> dict[str, Cell]:
    edit = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": app.name},
        "spec": {"replicas": 5},
    }
    begin = now()
    await app.cluster.apply(edit, app.name, WHO)
    row: dict[str, Any] | None = None
    while row is None and now() < begin + TIMEOUT_SECONDS:
        await asyncio.sleep(1)
        row = next(
            (drifted for drifted in await _reported() if drifted["app"].endswith(app.name)), None
        )
    deployment = await app.cluster.get("apps/v1", "Deployment", app.name, app.name)
    assert deployment is not None
    return {
        "After, s": round(now() - begin, 1),
        "Object": row["object"] if row else "nothing",
        "Field": row["field"] if row else "–",
        "Live": row["live"] if row else "–",
        "Git": row["Git"] if row else "–",
        "Who": row["written by"] if row else "–",
        "Now": row["now"] if row else "–",
        "Replicas then": int(deployment["spec"]["replicas"]),
    }


async def _reported() -> list[dict[str, Any]]:
    async with get_client() as client:
        artifacts = await client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=["drift"])),
            sort=ArtifactSort.UPDATED_DESC,
            limit=5,
        )
    return [row for artifact in artifacts for row in json.loads(str(artifact.data))]
