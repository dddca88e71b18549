"""The built-in cluster agent: make the cluster equal to Git, and say where it was not."""

from __future__ import annotations

import logging
import time

from prefect import flow
from prefect.artifacts import acreate_table_artifact
from prefect.logging import get_run_logger

from flows.runtime.run_name import run_name
from flows.tasks.agent.apply import Applied, apply, apps_of
from flows.tasks.agent.request import requests
from shipway.errors import FailError, ShipwayError
from shipway.kubernetes.apply import Difference


@flow(name="reconcile", flow_run_name=run_name("reconcile", "environment", "app"))
async def reconcile(
    environment: str | None = None, app: str | None = None, stay: float = 0
) -> list[Applied]:
    """Apply every app's folder; report drift, which is what Git did not ask for.

    An app that cannot be applied keeps none of the others waiting; the run fails at the end.

    Args:
        environment: One environment, or all of the ops repository if empty.
        app: One app, or all of them if empty.
        stay: Seconds in all for which to stay, and apply at once what releases ask for.
    """
    begin = time.monotonic()
    done, failed = await apply_all(await apps_of(environment, app))
    async for request in requests(begin + stay - time.monotonic()):
        folder = (request.environment, request.app)
        more, wrong = await apply_all([folder])
        done += more
        failed.pop("/".join(folder), None)
        failed |= wrong
    if failed:
        raise FailError(
            f"{len(failed)} apps could not be applied.",
            where=", ".join(failed),
            got="\n".join(f"{folder}: {error}" for folder, error in failed.items()),
            untouched="these apps in the cluster; the others are as Git says",
        )
    return done


async def apply_all(
    folders: list[tuple[str, str]],
) -> tuple[list[Applied], dict[str, ShipwayError]]:
    """Apply folders, log and report what changed; return that, and the errors by folder."""
    done: list[Applied] = []
    failed: dict[str, ShipwayError] = {}
    for folder in folders:
        try:
            applied = await apply(*folder)
        except ShipwayError as error:
            failed["/".join(folder)] = error
            get_run_logger().error("%s: %s", "/".join(folder), error)
            continue
        if applied is not None:
            log_changes(applied)
            done.append(applied)
    if rows := drift_rows(done):
        await acreate_table_artifact(
            rows, key="drift", description="What differed from Git, and what became of it"
        )
    return done, failed


def log_changes(applied: Applied) -> None:
    """Log what applying changed: drift as warnings, the rest for information."""
    logger = get_run_logger()
    for change in applied.changes:
        if change.action == "unchanged":
            continue
        level, note = (logging.WARNING, "drift: ") if change.drift else (logging.INFO, "")
        logger.log(level, "%s: %s%s %s", applied.folder, note, change.title, change.action)
        for one in change.differences if change.drift else ():
            logger.warning(
                "  %s was %s, Git says %s; written by %s",
                one.field,
                one.live,
                one.wanted,
                one.writer,
            )


def drift_rows(done: list[Applied]) -> list[dict[str, str]]:
    """One row for each field, or whole object, that differed without Git having changed."""
    missing = Difference(field="(all of it)", live="missing", wanted="present", writer="unknown")
    return [
        {
            "app": applied.folder,
            "object": change.title,
            "field": one.field,
            "live": one.live,
            "Git": one.wanted,
            "written by": one.writer,
            "now": "left as it is" if change.action == "left" else "put back",
        }
        for applied in done
        for change in applied.changes
        if change.drift
        for one in change.differences or (missing,)
    ]
