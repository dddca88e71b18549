"""The built-in cluster agent: make the cluster equal to Git, and say where it was not."""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from prefect import flow
from prefect.artifacts import acreate_table_artifact
from prefect.logging import get_run_logger

from flows.runtime.beside import do_beside, finish_beside
from flows.runtime.reconcile_request import requests
from flows.runtime.registered import follow_registered
from flows.runtime.run_name import run_name
from flows.tasks.agent.apply import apply, list_apps
from flows.tasks.agent.look import WhatRunsPage
from flows.tasks.agent.prune_removed import prune_removed
from flows.tasks.waiting import NOT_LOOKED_AFTER, look_after_waiting
from shipway.app_environment import AppEnvironment
from shipway.errors import FailError, ShipwayError
from shipway.reports.drift import change_lines, drift_rows
from shipway.rollout.apply import Applied
from shipway.rollout.leaving import Leaving


@flow(
    name="reconcile",
    flow_run_name=run_name("reconcile {environment} {app}"),
    on_completion=[finish_beside],
    on_failure=[finish_beside],
)
async def reconcile(
    environment: str | None = None,
    app: str | None = None,
    stay_seconds: float = 0,
    grace_seconds: float = 3600,
) -> list[Applied]:
    """Apply every app's folder; report drift, which is what Git did not ask for.

    An app that cannot be applied keeps none of the others waiting; the run fails at the end.

    Args:
        environment: One environment, or all of the ops repository if empty.
        app: One app, or all of them if empty.
        stay_seconds: For how long to stay in all, and apply at once what releases ask for.
        grace_seconds: How long the objects of an app stay whose folder has left the ops repository;
            nothing is looked for where one app is named.
    """
    begin, page = time.monotonic(), WhatRunsPage(environment)
    async with page.kept():
        app_environments = await list_apps(environment, app)
        if environment is None and app is None:
            following = follow_registered(one.environment for one in app_environments)
            do_beside(following, "Forms and nights stay as they were")
            do_beside(look_after_waiting(), NOT_LOOKED_AFTER)
        applied, failed = await apply_all(app_environments, page)
        if app is None:
            there = {one.folder for one in app_environments}
            grace = timedelta(seconds=grace_seconds)
            leaving = follow_removed(environment, there, {one.folder for one in applied}, grace)
            page.leaving(await leaving)
        async for request in requests(begin + stay_seconds - time.monotonic()):
            failed.pop(request.app_environment, None)
            more, errors = await apply_all([request.app_environment], page)
            applied += more
            failed |= errors
    if failed:
        raise _not_all_applied(failed)
    return applied


async def apply_all(
    app_environments: list[AppEnvironment], page: WhatRunsPage
) -> tuple[list[Applied], dict[AppEnvironment, ShipwayError]]:
    """Apply folders, log and report what changed; return that, and the errors."""
    all_applied: list[Applied] = []
    failed: dict[AppEnvironment, ShipwayError] = {}
    for app_environment in app_environments:
        try:
            applied = await apply(app_environment)
        except ShipwayError as error:
            failed[app_environment] = error
            page.applied(app_environment, error)
            get_run_logger().error("%s: %s", app_environment.folder, error)
            continue
        page.applied(app_environment, applied)
        if applied is not None:
            for level, line in change_lines(applied):
                get_run_logger().log(level, "%s", line)
            all_applied.append(applied)
    if rows := drift_rows(all_applied):
        await acreate_table_artifact(
            rows, key="drift", description="What differed from Git, and what became of it"
        )
    return all_applied, failed


async def follow_removed(
    environment: str | None, there: set[str], applied: set[str], grace: timedelta
) -> list[Leaving]:
    """Have removed apps leave the cluster; log, report and return what is left of them."""
    try:
        leaving = await prune_removed(environment, there, applied, grace)
    except ShipwayError as error:
        get_run_logger().warning("What was removed stays: %s", error)
        return []
    for one in leaving:
        level = logging.WARNING if one.waits else logging.INFO
        get_run_logger().log(level, "%s: %s", one.removal.app_environment.folder, one.words)
    if rows := [row for one in leaving for row in one.rows]:
        await acreate_table_artifact(
            rows, key="removed", description="What removed apps have in the cluster"
        )
    return leaving


def _not_all_applied(failed: dict[AppEnvironment, ShipwayError]) -> FailError:
    """The error of a run that could not apply some folders."""
    return FailError(
        f"{len(failed)} apps could not be applied.",
        where=", ".join(app_environment.folder for app_environment in failed),
        got="\n".join(
            f"{app_environment.folder}: {error}" for app_environment, error in failed.items()
        ),
        untouched="these apps in the cluster; the others are as Git says",
    )
