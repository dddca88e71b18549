"""A flow run by its id, and as a link, as the trailers of commits and messages name it."""

from __future__ import annotations

from functools import lru_cache

from prefect.runtime import flow_run
from prefect.utilities.urls import url_for


def root_run() -> str:
    """The id of the run that people started, not of a subflow of it."""
    return _root_of(flow_run.id)


@lru_cache(maxsize=256)
def _root_of(run: str | None) -> str:  # noqa: ARG001
    # For a subflow, Prefect asks the server each time, and the event loop waits.
    return str(flow_run.root_flow_run_id)


def this_run() -> str:
    """The run that people started, as a link where there is one."""
    return address_of(root_run())


def address_of(run: str) -> str:
    """A run in the Prefect UI; its id where there is no UI."""
    return url_for("flow-run", run) or run
