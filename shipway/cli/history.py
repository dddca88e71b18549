"""`shipway history`: what became of an environment, from the ops repository alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from shipway.cli.blocks import ops_repository
from shipway.cli.parameters import AnyApp, Environment, Json
from shipway.cli.prefect_server import connect
from shipway.cli.table import moment, show
from shipway.history.changes import changes_in
from shipway.parameters import check_names

TITLES = ("WHEN", "APP", "WHAT", "VERSION", "BY", "REASON", "COMMIT")


def history(
    environment: Environment, app: AnyApp = None, *, days: int = 30, as_json: Json = False
) -> int:
    """Show what changed in an environment, newest first.

    Parameters
    ----------
    days
        How far to look back.
    """
    check_names(app=app, environment=environment)
    since = datetime.now(UTC) - timedelta(days=days)
    changes = changes_in(ops_repository(connect()), environment, app, since)
    if as_json:
        print(json.dumps([change.model_dump(mode="json") for change in changes], indent=2))
        return 0
    rows = (
        (
            moment(change.at),
            change.app,
            change.what,
            change.revision[:7],
            change.by,
            change.reason,
            change.commit[:7],
        )
        for change in changes
    )
    show(TITLES, rows, wide="REASON")
    return 0
