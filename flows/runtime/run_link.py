"""A flow run as a link, as the trailers of commits and messages name it."""

from __future__ import annotations

from prefect.runtime import flow_run
from prefect.utilities.urls import url_for


def this_run() -> str:
    """The run that people started (not a subflow of it), as a link where there is one."""
    return address_of(str(flow_run.root_flow_run_id))


def address_of(run: str) -> str:
    """A run in the Prefect UI; its id where there is no UI."""
    return url_for("flow-run", run) or run
