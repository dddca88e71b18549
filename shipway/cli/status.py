"""`shipway status`: what runs where, by what the ops repository says now."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from shipway.cli.blocks import ops_repository
from shipway.cli.parameters import AnyApp, AnyEnvironment, Json
from shipway.cli.prefect_server import connect
from shipway.cli.table import show
from shipway.errors import RefuseError
from shipway.git.ops_folder import OpsFolder
from shipway.rollout.deployed import Deployed, deployed_in
from shipway.rollout.status import SUMMARY, AppStatus, read_summary
from shipway.rollout.waves import Waiting, waiting_for

TITLES = ("APP", "ENVIRONMENT", "VERSION", "CHANGE", "STATE", "HEALTH", "SINCE", "BY")


class Row(NamedTuple):
    """What is shown of an app in an environment."""

    deployed: Deployed
    status: AppStatus
    waiting: Waiting | None


def status(
    app: AnyApp = None,
    *,
    environment: AnyEnvironment = None,
    as_json: Json = False,
) -> int:
    """Show which version of which app runs in which environment.

    The version is what Git says: the cluster mirrors it. Its health is what an agent saw when it
    looked last. The exit status is 1 if a folder cannot be read.
    """
    server, now = connect(), datetime.now(UTC)
    summary = server.get(f"artifacts/{SUMMARY}/latest")
    known = read_summary(summary and summary["data"])
    # Of all environments: what waits for one of them runs in another.
    read = ops_repository(server).consult_each(lambda folder, _: _read(folder), app=app)
    asked_for = [one for _, one in read if isinstance(one, Deployed)]
    problems = [(where, one) for where, one in read if isinstance(one, RefuseError)]
    rows = [
        Row(one, known.status_of(one, now), waiting_for(one, asked_for, now))
        for one in asked_for
        if environment in {None, one.environment}
    ]
    if as_json:
        print(json.dumps([_facts(row) for row in rows], indent=2))
    else:
        show(TITLES, (_cells(row, now) for row in rows), wide="CHANGE")
        for one in known.removed(app, environment, now):
            print(f"{one.app_environment.title}, {one.reason}")
    told = [problem for where, problem in problems if environment in {None, where}]
    for problem in told:
        print(f"✗ {problem}", file=sys.stderr)
    return 1 if told else 0


def _read(folder: OpsFolder) -> tuple[str, Deployed | RefuseError]:
    """What a folder says, or why it cannot be read; and its environment."""
    environment = folder.app_environment.environment
    try:
        return environment, deployed_in(folder)
    except RefuseError as problem:
        return environment, problem


def _facts(row: Row) -> dict[str, Any]:
    seen = row.status
    return {
        **row.deployed.model_dump(mode="json"),
        "health": seen.health,
        "reason": seen.reason,
        "drift": seen.drift,
        "not_compared": seen.observed.not_compared if seen.observed else (),
        "agent": seen.observed.agent if seen.observed else "",
        "looked_at": seen.at.isoformat(timespec="seconds"),
        "waiting": row.waiting.version.revision if row.waiting else None,
        "waits": row.waiting.why if row.waiting else None,
    }


def _cells(row: Row, now: datetime) -> tuple[str, ...]:
    one = row.deployed
    return (
        one.app,
        one.environment,
        one.revision[:7],
        one.subject,
        _state(row),
        _health(row, now),
        ago(now - one.since) if one.since else "",
        one.by,
    )


def _state(row: Row) -> str:
    """How far its release has come, and what is to be known beside."""
    held, waiting = row.deployed.held, row.waiting
    more = ["drift"] if row.status.drift else []
    more += ["agent stopped"] if (seen := row.status.observed) and seen.is_stopped else []
    more += [f"{len(held)} on hold"] if held else []
    more += [waiting.words] if waiting else []
    more += [f"frozen until {frozen.end}"] if (frozen := row.deployed.frozen) else []
    return ", ".join([row.deployed.state, *more])


def _health(row: Row, now: datetime) -> str:
    """How it was, and how long ago; nothing where there is nothing yet that could be healthy."""
    if row.deployed.is_untouched:
        return ""
    seen = row.status
    known = seen.health != "unknown"
    return f"{seen.health}, {ago(now - seen.at)} ago" if known else seen.health


def ago(span: timedelta) -> str:
    """How long ago, in its largest unit."""
    seconds = max(0, round(span.total_seconds()))
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
