"""Runs of Shipway's deployments: start one, look at it, and follow it to its end."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from logging import WARNING
from typing import Any, Literal, NamedTuple

from shipway.cli.prefect_server import PrefectServer
from shipway.errors import RefuseError
from shipway.reports.own_words import own_words

# Of the artifacts that a run leaves.
Kind = Literal["junit", "plan", "report", "summary"]

LOOK_SECONDS = 0.5
FINAL = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Run(NamedTuple):
    """A flow run, as the server has it now.

    Attributes:
        id: Its id.
        name: Its name.
        kind: The type of its state, such as `COMPLETED`.
        state: The name of its state, such as `Completed`.
        message: What its state says, without Prefect's words before it.
        seconds: How long it ran so far.
    """

    id: str
    name: str
    kind: str
    state: str
    message: str
    seconds: float

    @property
    def is_over(self) -> bool:
        """Whether its state is the last one."""
        return self.kind in FINAL

    @property
    def is_good(self) -> bool:
        """Whether it did what it was to do."""
        return self.kind == "COMPLETED"


class Done(NamedTuple):
    """A task that is over."""

    name: str
    is_good: bool
    seconds: float


class Warned(NamedTuple):
    """A warning that a run has logged."""

    words: str


def start(server: PrefectServer, flow: str, parameters: Mapping[str, Any]) -> Run:
    """Start the deployment of a flow that bears the flow's name.

    Args:
        server: The Prefect server.
        flow: Such as `release`.
        parameters: Of the flow; what is None is left to its default.

    Raises:
        RefuseError: There is no such deployment, or it does not take the parameters.
    """
    name = f"{flow}/{flow}"
    deployment = server.get(f"deployments/name/{name}")
    if deployment is None:
        raise RefuseError(
            f"The Prefect server has no deployment {name}.",
            where=server.ui,
            untouched="everything: no run was started",
            remedy="prefect deploy --all",
        )
    given = {key: value for key, value in parameters.items() if value is not None}
    path = f"deployments/{deployment['id']}/create_flow_run"
    return _run(server.post(path, {"parameters": given, "state": {"type": "SCHEDULED"}}))


def find(server: PrefectServer, text: str) -> Run:
    """The run that a text names: its id, or an address with the id in it.

    Raises:
        RefuseError: It names none, or the server has none of that id.
    """
    found = _ID.search(text)
    answer = server.get(f"flow_runs/{found[0]}") if found else None
    if answer is None:
        raise RefuseError(
            "There is no such run.",
            where=text,
            expected="the id of a flow run, or its address in the Prefect UI",
        )
    return _run(answer)


def follow(server: PrefectServer, run: Run) -> Iterator[Done | Warned | Run]:
    """Each task of a run and of its subflows as it ends, and each warning; at last the run."""
    told: set[str] = set()
    while True:
        # Asked for first: what ended before the run did is told before it.
        run = find(server, run.id)
        ids = whole(server, run.id)
        for line in logs_of(server, ids, {"level": {"ge_": WARNING, "le_": WARNING}}):
            if line["id"] not in told:
                told.add(line["id"])
                yield Warned(line["message"])
        for task in tasks_of(server, ids):
            if task["id"] not in told and task["state_type"] in FINAL:
                told.add(task["id"])
                yield Done(task["name"], task["state_type"] == "COMPLETED", task["total_run_time"])
        if run.is_over:
            yield run
            return
        time.sleep(LOOK_SECONDS)


def artifact_of(server: PrefectServer, run: str, kind: Kind) -> str | None:
    """What a run left of a kind; None where it did not come so far, or had nothing to leave."""
    artifacts = {"flow_run_id": {"any_": [run]}, "key": {"like_": f"-{kind}"}}
    # Of a run that was resumed, the newest one says all.
    of_run = {"artifacts": artifacts, "sort": "CREATED_DESC"}
    found = server.post("artifacts/filter", of_run)
    return next((one["data"] for one in found if one["key"].endswith(f"-{kind}")), None)


def summary_of(server: PrefectServer, run: str) -> dict[str, Any]:
    """What a run left for programs; nothing where it did not come so far."""
    found = artifact_of(server, run, "summary")
    return json.loads(found)[0] if found else {}


def whole(server: PrefectServer, run: str) -> list[str]:
    """The ids of a run and of its subflows."""
    below = {"flow_runs": {"parent_flow_run_id": {"any_": [run]}}}
    return [run, *(one["id"] for one in server.all("flow_runs/filter", below))]


def tasks_of(server: PrefectServer, runs: list[str]) -> list[Any]:
    """The tasks of some runs, in the order in which they end."""
    mine = {"flow_runs": {"id": {"any_": runs}}, "sort": "END_TIME_DESC"}
    tasks = server.all("task_runs/filter", mine)
    # A subflow has a task run of its own in its parent, which would be told beside its tasks.
    return [task for task in reversed(tasks) if not _is_subflow(task)]


def logs_of(
    server: PrefectServer, runs: list[str], those: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """What some runs have logged, or those lines that a filter finds."""
    mine = {"flow_run_id": {"any_": runs}, **(those or {})}
    return server.all("logs/filter", {"logs": mine, "sort": "TIMESTAMP_ASC"})


def _is_subflow(task: Mapping[str, Any]) -> bool:
    state = task["state"] or {}
    return bool((state.get("state_details") or {}).get("child_flow_run_id"))


def _run(said: Mapping[str, Any]) -> Run:
    state = said["state"] or {}
    return Run(
        id=said["id"],
        name=said["name"],
        kind=said["state_type"] or "PENDING",
        state=said["state_name"] or "Pending",
        message=own_words(state.get("message") or ""),
        seconds=said["total_run_time"],
    )
