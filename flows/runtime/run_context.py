"""This flow run, as the library knows the run that acts."""

from __future__ import annotations

from flows.runtime.interrupted_runs import was_interrupted
from flows.runtime.opened_run import opened_run_log
from flows.runtime.run_link import this_run
from shipway.rollout.run_context import RunContext


def run_context() -> RunContext:
    """The current flow run; it logs where people can approve a change to Git, and merge it."""
    return RunContext(link=this_run(), was_interrupted=was_interrupted, on_review=_log_review)


def _log_review(url: str) -> None:
    opened_run_log().warning("Waiting until this pull request is merged: %s", url)
