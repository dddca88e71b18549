"""`shipway status`: what runs where, by what the ops repository says now."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

from cyclopts import Parameter

from shipway.cli.blocks import ops_repository
from shipway.cli.parameters import Json
from shipway.cli.prefect_server import connect
from shipway.cli.table import show
from shipway.errors import RefuseError
from shipway.git.ops_folder import OpsFolder
from shipway.rollout.deployed import Deployed, deployed_in
from shipway.strategies.step import is_released

TITLES = ("APP", "ENVIRONMENT", "VERSION", "CHANGE", "STATE", "SINCE", "BY")


def status(
    app: str | None = None,
    *,
    environment: Annotated[str | None, Parameter(help="One environment alone.")] = None,
    as_json: Json = False,
) -> int:
    """Show which version of which app runs in which environment.

    It is what Git says: the cluster mirrors it. The exit status is 1 if a folder cannot be read.

    Parameters
    ----------
    app
        One app alone.
    """
    folders = ops_repository(connect()).folders(environment=environment, app=app)
    found, problems = list[Deployed](), list[RefuseError]()
    for folder in folders:
        _read(folder, found, problems)
    if as_json:
        print(json.dumps([one.model_dump(mode="json") for one in found], indent=2))
    else:
        _show(found)
    for problem in problems:
        print(f"✗ {problem}", file=sys.stderr)
    return 1 if problems else 0


def _read(folder: OpsFolder, found: list[Deployed], problems: list[RefuseError]) -> None:
    try:
        found.append(deployed_in(folder))
    except RefuseError as problem:
        problems.append(problem)


def _show(found: list[Deployed]) -> None:
    now = datetime.now(UTC)
    rows = (
        (
            one.app,
            one.environment,
            one.revision[:7],
            one.subject,
            state(one),
            ago(now - one.since) if one.since else "",
            one.by,
        )
        for one in found
    )
    show(TITLES, rows, wide="CHANGE")


def state(one: Deployed) -> str:
    """What there is to know of it in a word or two."""
    if one.step:
        known = one.step if one.is_under_way else "released"
    else:
        known = "by hand" if is_released(one.image) else "not released yet"
    return f"{known}, {len(one.held)} on hold" if one.held else known


def ago(span: timedelta) -> str:
    """How long ago, in its largest unit."""
    seconds = max(0, round(span.total_seconds()))
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
