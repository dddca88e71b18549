"""Requests to an agent that is there already: they take no process to start.

A run of reconcile stays for a while and takes requests, as inputs of its flow run. The request says
which folder to look at and nothing else: what is applied is what Git says. An event says that there
is one; it can be lost, so the run also looks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from uuid import UUID

from prefect.client.schemas.objects import FlowRun
from prefect.events import emit_event
from prefect.events.clients import get_events_subscriber
from prefect.events.filters import EventFilter, EventNameFilter, EventResourceFilter
from prefect.input import RunInput
from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from shipway.app_environment import AppEnvironment

LOOK_SECONDS = 2.0
_ASKED = "shipway.reconcile.asked"


class ReconcileRequest(RunInput):
    """Asks for one app's folder to be applied."""

    app_environment: AppEnvironment


async def ask(agent: UUID, app_environment: AppEnvironment) -> None:
    """Ask a run that stays to apply one app's folder."""
    await ReconcileRequest(app_environment=app_environment).asend_to(agent)
    emit_event(_ASKED, _resource(agent))


async def requests(seconds: float) -> AsyncGenerator[ReconcileRequest]:
    """The requests that come to this run, one after the other, until the time is over."""
    deadline = time.monotonic() + seconds
    # It looks once, and again when it is told to or has waited.
    coming = ReconcileRequest.receive(timeout=0)
    async with _told(UUID(flow_run.id)) as told:
        while (left := deadline - time.monotonic()) > 0:
            told.clear()
            if request := await anext(coming, None):
                yield request
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(told.wait(), min(left, LOOK_SECONDS))


@asynccontextmanager
async def _told(agent: UUID) -> AsyncGenerator[asyncio.Event]:
    """Set whenever the server tells that somebody asks this run."""
    told = asyncio.Event()
    listening = asyncio.create_task(_listen(agent, told))
    try:
        yield told
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening


async def _listen(agent: UUID, told: asyncio.Event) -> None:
    of_agent = EventResourceFilter(id=[_resource(agent)["prefect.resource.id"]])
    asked = EventFilter(event=EventNameFilter(name=[_ASKED]), resource=of_agent)
    try:
        async with get_events_subscriber(filter=asked) as events:
            async for _ in events:
                told.set()
    except Exception as error:
        get_run_logger().info("The server does not tell of requests: %r", error)


def _resource(agent: UUID) -> dict[str, str]:
    return {"prefect.resource.id": f"prefect.flow-run.{agent}"}


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
