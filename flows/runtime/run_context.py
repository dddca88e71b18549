"""This flow run, as the library knows the run that acts."""

from __future__ import annotations

from prefect.logging import get_run_logger

from flows.runtime.interrupted_runs import was_interrupted
from flows.runtime.run_link import this_run
from shipway.rollout.run_context import RunContext


def run_context() -> RunContext:
    """The current flow run; it logs where people can approve a change to Git, and merge it."""
    return RunContext(link=this_run(), was_interrupted=was_interrupted, on_review=_log_review)


def _log_review(url: str) -> None:
    get_run_logger().info("Waiting until this pull request is merged: %s", url)
