"""Which runs have ended, and which wait, as the Prefect server tells it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from shipway.app_environment import AppEnvironment
from shipway.cli.prefect_server import PrefectServer
from shipway.cli.runs import FINAL
from shipway.metrics.queue import Queued
from shipway.metrics.runs import FLOWS, RELEASES, EndedRun, Outcome

# How far a clock may be off, and how late a run may be known to have ended.
_OVERLAP = timedelta(minutes=10)
_WAITING = ("SCHEDULED", "PENDING")
_STATES: Mapping[str, Outcome] = {
    "COMPLETED": "done",
    "CANCELLED": "cancelled",
    "CRASHED": "crashed",
}


class EndedRuns:
    """The runs that have ended since somebody asked last.

    Args:
        server: The Prefect server.
    """

    def __init__(self, server: PrefectServer) -> None:
        self._server = server
        self._asked: datetime | None = None
        self._known = frozenset[str]()

    def new(self) -> list[EndedRun]:
        """Those that are new; none at first, for nobody knows which of them were told before.

        Raises:
            RetryError: The server does not answer.
            RefuseError: It refuses to.
        """
        now = datetime.now(UTC)
        found = self._since((self._asked or now) - _OVERLAP)
        new = [run for run in found if run["id"] not in self._known]
        ended = [*self._facts(new)] if self._asked else []
        self._asked, self._known = now, frozenset(run["id"] for run in found)
        return ended

    def _since(self, moment: datetime) -> list[Any]:
        """The runs that have ended since then, each once: some may end while pages are read."""
        those = {
            "end_time": {"after_": moment.isoformat()},
            "state": {"type": {"any_": sorted(FINAL)}},
            "parent_task_run_id": {"is_null_": True},
        }
        body = {"flows": _named(FLOWS), "flow_runs": those, "sort": "END_TIME_DESC"}
        return [*{run["id"]: run for run in self._server.all("flow_runs/filter", body)}.values()]

    def _facts(self, runs: Sequence[Any]) -> Iterator[EndedRun]:
        if not runs:
            return
        flows = self._server.all("flows/filter", {"flows": _named(FLOWS)})
        names = {flow["id"]: flow["name"] for flow in flows}
        released = [run["id"] for run in runs if names[run["flow_id"]] in RELEASES]
        summaries = self._summaries(released) if released else {}
        for run in runs:
            yield ended_run(run, names[run["flow_id"]], summaries.get(run["id"], {}))

    def _summaries(self, runs: list[str]) -> dict[str, dict[str, Any]]:
        """What runs left for programs, by run."""
        found: dict[str, dict[str, Any]] = {}
        artifacts = {"flow_run_id": {"any_": runs}, "key": {"like_": "-summary"}}
        # Of a run that was resumed, the newest one says all.
        of_runs = {"artifacts": artifacts, "sort": "CREATED_DESC"}
        for one in self._server.all("artifacts/filter", of_runs):
            if one["key"].endswith("-summary"):
                found.setdefault(one["flow_run_id"], json.loads(one["data"])[0])
        return found


def ended_run(run: Mapping[str, Any], flow: str, summary: Mapping[str, Any]) -> EndedRun:
    """What the server has of a run, and what the run left, as one."""
    # A default stands in no parameter; a run that never began has no tags.
    tags = dict(tag.split(":", 1) for tag in run["tags"] if ":" in tag)
    given = {**tags, **run["parameters"], **summary}
    app, environment = given.get("app"), given.get("environment")
    outcome = _STATES.get(run["state_type"]) or _why(summary)
    return EndedRun(
        flow=flow,
        app_environment=AppEnvironment(app=app, environment=environment)
        if app and environment
        else None,
        outcome=outcome,
        queued_seconds=_queued_seconds(run),
        stages=summary.get("stages", {}) if outcome == "done" else {},
    )


def _why(summary: Mapping[str, Any]) -> Outcome:
    """Why a run has failed; one that waited, and has failed, does not say so itself."""
    return next((one for one in get_args(Outcome) if one == summary.get("result")), "error")


def queued(server: PrefectServer) -> dict[str, Queued]:
    """What waits of each flow now.

    Raises:
        RetryError: The server does not answer.
        RefuseError: It refuses to.
    """
    now = datetime.now(UTC)
    return {flow: _queued_of(server, flow, now) for flow in FLOWS}


def _queued_of(server: PrefectServer, flow: str, now: datetime) -> Queued:
    those = {
        "state": {"type": {"any_": list(_WAITING)}},
        "expected_start_time": {"before_": now.isoformat()},
        "start_time": {"is_null_": True},
    }
    due = {"flows": _named([flow]), "flow_runs": those}
    count = server.post("flow_runs/count", due)
    first = {**due, "sort": "EXPECTED_START_TIME_ASC", "limit": 1}
    oldest = server.post("flow_runs/filter", first)
    waits = (now - datetime.fromisoformat(one["expected_start_time"]) for one in oldest)
    return Queued(count, max((wait.total_seconds() for wait in waits), default=0))


def _queued_seconds(run: Mapping[str, Any]) -> float | None:
    due, started = run["expected_start_time"], run["start_time"]
    if due is None or started is None:
        return None
    waited = datetime.fromisoformat(started) - datetime.fromisoformat(due)
    return max(0.0, waited.total_seconds())


def _named(flows: Sequence[str]) -> dict[str, Any]:
    return {"name": {"any_": list(flows)}}
