"""What all commands that start a run share: start it, tell of it, and end as it does."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from shipway.cli import runs
from shipway.cli.prefect_server import PrefectServer, connect
from shipway.cli.runs import Done, Run


def start(flow: str, parameters: Mapping[str, Any], *, watch: bool, as_json: bool) -> int:
    """Start a run; return 0 if it was started or, watched, if it completed, and else 1."""
    server = connect()
    return tell(server, runs.start(server, flow, parameters), watch=watch, as_json=as_json)


def tell(server: PrefectServer, run: Run, *, watch: bool, as_json: bool) -> int:
    """Say where a run is; watched, what becomes of it."""
    if not as_json:
        print(f"{run.name}  {server.address_of(run.id)}")
    if watch:
        run = _watch(server, run, aloud=not as_json)
    if as_json:
        facts = {"run": run.name, "id": run.id, "url": server.address_of(run.id)}
        summary = runs.summary_of(server, run.id) if watch else {}
        print(json.dumps({**facts, "state": run.state, **summary}, indent=2))
    return 0 if run.is_good or not watch else 1


def _watch(server: PrefectServer, run: Run, *, aloud: bool) -> Run:
    for news in runs.follow(server, run):
        if isinstance(news, Run):
            run = news
        elif aloud:
            print(_line(news), flush=True)
    if aloud and run.is_good:
        print(f"✓ {run.name}: {run.message or run.state}, after {run.seconds:.1f} s")
    elif aloud:
        print(f"✗ {run.name}: {run.state}\n{run.message}".rstrip(), file=sys.stderr)
    return run


def _line(task: Done) -> str:
    return f"  {'✓' if task.is_good else '✗'} {task.name:<56}{task.seconds:6.1f} s"
