"""Requests to an agent that is there already: they take no process to start.

A run of reconcile stays for a while and takes requests, as inputs of its flow run. The request says
which folder to look at and nothing else: what is applied is what Git says.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta

from prefect.client.schemas.objects import FlowRun
from prefect.input import RunInput

from shipway.app_environment import AppEnvironment

POLL_SECONDS = 0.3


class ReconcileRequest(RunInput):
    """Asks for one app's folder to be applied."""

    app_environment: AppEnvironment


async def requests(seconds: float) -> AsyncGenerator[ReconcileRequest]:
    """The requests that come to this run, one after the other, until the time is over."""
    deadline = time.monotonic() + seconds
    coming = ReconcileRequest.receive(timeout=seconds, poll_interval=POLL_SECONDS)
    while (left := deadline - time.monotonic()) > 0:
        coming.timeout = left
        request = await anext(coming, None)
        if request is not None:
            yield request


def takes_requests(run: FlowRun, app_environment: AppEnvironment, now: datetime) -> bool:
    """Whether a run that goes on takes requests for an app's folder.

    One whose process was killed stays Running in Prefect, long after it would have ended.
    """
    if run.start_time is None:
        return False
    stay_seconds = float(run.parameters.get("stay_seconds") or 0)
    return (
        now < run.start_time + timedelta(seconds=stay_seconds)
        and run.parameters.get("environment") in {None, app_environment.environment}
        and run.parameters.get("app") in {None, app_environment.app}
    )
