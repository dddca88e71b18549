"""A flow run by its id, and as a link, as the trailers of commits and messages name it."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from uuid import UUID

from prefect.runtime import flow_run
from prefect.settings import PREFECT_UI_URL
from prefect.utilities.urls import url_for

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$")

# What a flow and all that it calls know without asking the server.
_known: ContextVar[str | None] = ContextVar("root_run", default=None)


def root_run() -> str:
    """The id of the run that people started, not of a subflow of it."""
    return _known.get() or _root_of(flow_run.id)


@contextmanager
def known_root_run(run: str | None = None) -> Generator[None]:
    """Have subflows within know the run that people started; else each asks the server.

    Args:
        run: Another one, which something is done and told for.
    """
    token = _known.set(run or root_run())
    try:
        yield
    finally:
        _known.reset(token)


@lru_cache(maxsize=256)
def _root_of(run: str | None) -> str:  # noqa: ARG001
    # For a subflow, Prefect asks the server each time, and the event loop waits.
    return str(flow_run.root_flow_run_id)


def this_run() -> str:
    """The run that people started, as a link where there is one."""
    return address_of(root_run())


def artifact_link(key: str, text: str) -> str:
    """The newest artifact of a key as Markdown: a link where there is a UI."""
    ui = PREFECT_UI_URL.value()
    return f"[{text}]({ui.rstrip('/')}/artifacts/key/{key})" if ui else text


def id_in(link: str) -> UUID | None:
    """The id of a run in a link to it, or in itself; None where it is neither."""
    found = _ID.search(link)
    return UUID(found[0]) if found else None


def address_of(run: str) -> str:
    """A run in the Prefect UI; its id where there is no UI."""
    return url_for("flow-run", run) or run
