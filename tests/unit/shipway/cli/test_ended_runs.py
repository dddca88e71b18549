"""Which runs are told, and as what; the real server answers in tests/integration."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from shipway.cli.ended_runs import EndedRuns, ended_run
from shipway.cli.prefect_server import PrefectServer
from shipway.errors import RetryError
from shipway.metrics.runs import EndedRun
from tests.support.app_environments import SHOP


def run(name: str = "1", **more: Any) -> dict[str, Any]:
    """A run of `release` that completed, as the server tells it."""
    said = {
        "id": name,
        "flow_id": "of release",
        "state_type": "COMPLETED",
        "parameters": {"app": SHOP.app},
        "tags": ["shipway", f"environment:{SHOP.environment}"],
        "expected_start_time": "2026-11-30T08:00:00Z",
        "start_time": "2026-11-30T08:00:01.500000Z",
    }
    return {**said, **more}


class Answers:
    """A server with these runs; each page is what it has when it is asked."""

    def __init__(self) -> None:
        self.ended: list[dict[str, Any]] = []
        self.summaries: dict[str, dict[str, Any]] = {}
        self.is_down = False

    def all(self, path: str, body: dict[str, Any]) -> list[Any]:
        if path == "flow_runs/filter":
            return self.ended
        if path == "flows/filter":
            return [
                {"id": "of release", "name": "release"},
                {"id": "of plan", "name": "plan"},
            ]
        assert path == "artifacts/filter"
        if self.is_down:
            raise RetryError("The Prefect server does not answer.")
        asked = body["artifacts"]["flow_run_id"]["any_"]
        keys = ("shop-prod-summary", "shop-prod-summary-too")
        return [
            {"flow_run_id": name, "key": key, "data": json.dumps([self.summaries[name]])}
            for name in asked
            for key in keys
            if name in self.summaries
        ]


@pytest.fixture
def server() -> Answers:
    return Answers()


@pytest.fixture
def ended(server: Answers) -> EndedRuns:
    return EndedRuns(cast("PrefectServer", server))


def test_what_had_ended_before_the_first_look_is_not_told(
    server: Answers, ended: EndedRuns
) -> None:
    server.ended = [run("1")]
    assert ended.new() == []
    server.ended = [run("2"), run("1")]
    assert len(ended.new()) == 1
    assert ended.new() == []


def test_a_run_on_two_pages_is_told_once(server: Answers, ended: EndedRuns) -> None:
    ended.new()
    server.ended = [run("2"), run("1"), run("1")]
    assert len(ended.new()) == 2


def test_what_a_look_did_not_come_to_is_told_by_the_next(server: Answers, ended: EndedRuns) -> None:
    ended.new()
    server.ended, server.is_down = [run("1")], True
    with pytest.raises(RetryError):
        ended.new()
    server.is_down = False
    assert len(ended.new()) == 1


def test_a_run_is_told_with_what_it_left(server: Answers, ended: EndedRuns) -> None:
    ended.new()
    server.ended = [run("1"), run("2", flow_id="of plan")]
    server.summaries["1"] = {"stages": {"build": 3.5}, "result": "done"}
    assert ended.new() == [
        EndedRun("release", SHOP, "done", 1.5, {"build": 3.5}),
        EndedRun("plan", SHOP, "done", 1.5, {}),
    ]


@pytest.mark.parametrize(
    ("state", "summary", "outcome"),
    [
        ("COMPLETED", {}, "done"),
        ("FAILED", {"result": "refused"}, "refused"),
        ("FAILED", {"result": "halted"}, "halted"),
        ("FAILED", {"result": "cancelled"}, "cancelled"),
        ("FAILED", {}, "error"),
        ("CRASHED", {"result": "waits"}, "crashed"),
        ("CANCELLED", {"result": "cancelled"}, "cancelled"),
        # It waited for a person, and nobody came.
        ("FAILED", {"result": "waits"}, "error"),
    ],
)
def test_prefect_says_whether_it_is_done_and_the_report_why_not(
    state: str, summary: dict[str, Any], outcome: str
) -> None:
    told = ended_run(run(state_type=state), "release", {"stages": {"build": 1.0}, **summary})
    assert told.outcome == outcome
    assert told.stages == ({"build": 1.0} if outcome == "done" else {})


def test_a_run_that_never_began_did_not_wait_and_has_no_tags() -> None:
    told = ended_run(run(start_time=None, tags=[]), "release", {})
    assert (told.queued_seconds, told.app_environment) == (None, None)
    early = run(start_time="2026-11-30T07:59:59Z")
    assert ended_run(early, "release", {}).queued_seconds == 0
