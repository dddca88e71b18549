"""The log of the run that people opened, whichever subflow of it has something to say."""

from __future__ import annotations

import logging
from typing import Any

from prefect.logging import get_run_logger

from flows.runtime.run_link import root_run


def opened_run_log() -> logging.LoggerAdapter[Any]:
    """Where people look first; what a task logs there also stands on the task's own page."""
    return logging.LoggerAdapter(get_run_logger(), {"flow_run_id": root_run()})
