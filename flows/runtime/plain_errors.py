"""Errors that Shipway raises on purpose are logged as what they say, without a traceback."""

from __future__ import annotations

import logging

from shipway.errors import ShipwayError


def log_errors_without_traceback() -> None:
    """Keep the tracebacks of expected errors out of run logs, where they would bury the message."""
    for name in ("prefect.flow_runs", "prefect.task_runs", "prefect.flow_engine", "prefect.engine"):
        logger = logging.getLogger(name)
        if _without_traceback not in logger.filters:
            logger.addFilter(_without_traceback)


def _without_traceback(record: logging.LogRecord) -> bool:
    """A log filter that keeps every record, and takes the traceback of expected errors out."""
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    if isinstance(error, ShipwayError):
        record.exc_info = None
    return True
