"""`shipway watch`, `cancel` and `logs`: of a run that somebody has started."""

from __future__ import annotations

import json
import sys
import time
from typing import Annotated, Any

from cyclopts import Parameter

from shipway.cli import runs
from shipway.cli.parameters import Json, Junit, ReportFile, Telling
from shipway.cli.prefect_server import connect
from shipway.cli.runs import LOOK_SECONDS
from shipway.cli.start import tell

RunName = Annotated[str, Parameter(name="run", help="Its id, or its address in the Prefect UI.")]


def watch(
    run: RunName, *, as_json: Json = False, junit: Junit = None, report: ReportFile = None
) -> int:
    """Show each stage of a run, and end as it does.

    The exit status is 0 if it completes, and else 1.
    """
    server = connect()
    telling = Telling(watch=True, as_json=as_json, junit=junit, report=report)
    return tell(server, runs.find(server, run), telling)


def cancel(run: RunName) -> int:
    """Cancel a run; what it has in hand is removed.

    The exit status is 1 if it is over already.
    """
    server = connect()
    found = runs.find(server, run)
    if found.is_over:
        print(f"✗ {found.name} is over: {found.state}", file=sys.stderr)
        return 1
    # As the button in the UI does.
    state = {"type": "CANCELLING", "name": "Cancelling"}
    answer = server.post(f"flow_runs/{found.id}/set_state", {"state": state})
    # Of a run that nobody has taken yet, the server says at once that it is cancelled.
    if not answer or answer["state"]["type"] not in {"CANCELLING", "CANCELLED"}:
        print(f"✗ {found.name} cannot be cancelled: {answer}", file=sys.stderr)
        return 1
    print(f"{found.name} is being cancelled  {server.address_of(found.id)}")
    return 0


def logs(
    run: RunName,
    *,
    follow: Annotated[bool, Parameter(negative=(), help="Go on until the run is over.")] = False,
    as_json: Json = False,
) -> int:
    """Print what a run and its subflows have logged."""
    server, told = connect(), 0
    found = runs.find(server, run)
    while True:
        # Asked for first: what was logged before the end is told before it.
        is_over = not follow or runs.find(server, found.id).is_over
        ids = runs.whole(server, found.id)
        lines = runs.logs_of(server, ids)
        tasks = {task["id"]: task["name"] for task in runs.tasks_of(server, ids)}
        for line in lines[told:]:
            task = tasks.get(line["task_run_id"])
            print(json.dumps({**line, "task": task}) if as_json else _line(line, task), flush=True)
        told = len(lines)
        if is_over:
            return 0
        time.sleep(LOOK_SECONDS)


def _line(line: dict[str, Any], task: str | None) -> str:
    who = f"[{task}] " if task else ""
    return f"{line['timestamp'][:19].replace('T', ' ')}  {who}{line['message']}"
