"""What all commands that start a run share: start it, tell of it, and end as it does."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import indent
from typing import Any

from shipway.cli import runs
from shipway.cli.parameters import Telling
from shipway.cli.prefect_server import PrefectServer, connect
from shipway.cli.runs import Done, Run, Warned
from shipway.reports.junit import unpack
from shipway.reports.markdown import fenced, without_pictures


def start(flow: str, parameters: Mapping[str, Any], telling: Telling) -> int:
    """Start a run; return 0 if it was started or, watched, if it completed, and else 1."""
    server = connect()
    return tell(server, runs.start(server, flow, parameters), telling)


def tell(server: PrefectServer, run: Run, telling: Telling) -> int:
    """Say where a run is; watched, what becomes of it."""
    if not telling.as_json:
        print(f"{run.name}  {server.address_of(run.id)}", flush=True)
    if telling.waits:
        run = _watch(server, run, aloud=not telling.as_json)
    if telling.as_json:
        facts = {"run": run.name, "id": run.id, "url": server.address_of(run.id)}
        summary = runs.summary_of(server, run.id) if telling.waits else {}
        print(json.dumps({**facts, "state": run.state, **summary}, indent=2))
    if telling.report:
        _append_report(server, run, telling.report)
    if telling.junit:
        _write_junit(server, run, telling.junit)
    return 0 if run.is_good or not telling.waits else 1


def _watch(server: PrefectServer, run: Run, *, aloud: bool) -> Run:
    for news in runs.follow(server, run):
        if isinstance(news, Run):
            run = news
        elif aloud:
            print(_line(news), flush=True)
    if aloud and run.is_good:
        print(f"✓ {run.name}: {run.message or run.state}, after {run.seconds:.1f} s")
    elif aloud:
        print(f"✗ {run.name}: {_words(server, run)}", file=sys.stderr)
    return run


def _line(news: Done | Warned) -> str:
    if isinstance(news, Warned):
        return indent(f"! {news.words}", "  ")
    return f"  {'✓' if news.is_good else '✗'} {news.name:<56}{news.seconds:6.1f} s"


def _append_report(server: PrefectServer, run: Run, file: Path) -> None:
    report = runs.artifact_of(server, run.id, "report")
    if report is None:
        # A run that crashed at its start has written none.
        report = f"# {run.name}\n\n{fenced(_words(server, run))}"
    with file.open("a", encoding="utf-8") as page:
        page.write(f"{without_pictures(report)}\n\n")
        page.write(f"[This run in Prefect]({server.address_of(run.id)})\n")


def _words(server: PrefectServer, run: Run) -> str:
    # Of a run that is cancelled, the state says no more than that.
    said = runs.summary_of(server, run.id).get("error") or run.message
    return f"{run.state}\n{said}".rstrip()


def _write_junit(server: PrefectServer, run: Run, file: Path) -> None:
    packed = runs.artifact_of(server, run.id, "junit")
    if packed is None:
        print(f"{file} is not written: no tests ran", file=sys.stderr)
    else:
        file.write_bytes(unpack(packed))
