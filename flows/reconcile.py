"""The built-in cluster agent: make the cluster equal to Git, and say where it was not."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from prefect.artifacts import acreate_table_artifact
from prefect.logging import get_run_logger
from pydantic import Field

from flows.tasks.apply import Applied, apply, apps_of


@flow(name="reconcile", flow_run_name="reconcile {environment}")
async def reconcile(
    environment: Annotated[
        str | None, Field(description="One environment, or all of the ops repository if empty.")
    ] = None,
) -> list[Applied]:
    """Apply every app's folder; report drift, which is what Git did not ask for."""
    logger = get_run_logger()
    done: list[Applied] = []
    for name, app in await apps_of(environment):
        applied = await apply(name, app)
        if applied is None:
            continue
        done.append(applied)
        for change in applied.changes:
            if change.action == "unchanged":
                continue
            note = "drift: " if change.drift else ""
            logger.log(
                30 if change.drift else 20,
                "%s/%s: %s%s %s",
                name,
                app,
                note,
                change.title,
                change.action,
            )
            for one in change.differences if change.drift else ():
                logger.warning(
                    "  %s was %s, Git says %s; written by %s",
                    one.field,
                    one.live,
                    one.wanted,
                    one.writer,
                )
    rows = drift_rows(done)
    if rows:
        await acreate_table_artifact(
            rows, key="drift", description="What differed from Git, and was put back"
        )
    return done


def drift_rows(done: list[Applied]) -> list[dict[str, str]]:
    """One row for each field that differed from Git without Git having changed."""
    return [
        {
            "environment": applied.environment,
            "app": applied.app,
            "object": change.title,
            "field": one.field,
            "live": one.live,
            "Git": one.wanted,
            "written by": one.writer,
        }
        for applied in done
        for change in applied.changes
        if change.drift
        for one in change.differences
    ]
