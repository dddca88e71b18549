from __future__ import annotations

import logging

import pytest

from flows.runtime.plain_errors import log_errors_without_traceback
from shipway.errors import FailError


def logged(name: str, error: Exception) -> logging.LogRecord:
    """The record of an error as the logger's filters leave it."""
    logger = logging.getLogger(name)
    trace = (type(error), error, None)
    record = logger.makeRecord(name, logging.ERROR, "file.py", 1, "failed", (), trace)
    assert logger.filter(record)
    return record


@pytest.fixture(autouse=True)
def filters() -> None:
    log_errors_without_traceback()


@pytest.mark.parametrize(
    "logger", ["prefect.flow_runs", "prefect.task_runs", "prefect.flow_engine", "prefect.engine"]
)
def test_an_error_raised_on_purpose_is_logged_without_its_traceback(
    logger: str,
) -> None:
    assert logged(logger, FailError("Red.")).exc_info is None


def test_any_other_error_keeps_its_traceback() -> None:
    error = KeyError("x")
    assert logged("prefect.flow_runs", error).exc_info == (KeyError, error, None)


def test_asking_twice_filters_once() -> None:
    before = list(logging.getLogger("prefect.flow_runs").filters)
    log_errors_without_traceback()
    assert logging.getLogger("prefect.flow_runs").filters == before
