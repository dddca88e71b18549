"""Hears from the Prefect server that a run is scheduled."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from uuid import UUID

from prefect.events.clients import get_events_subscriber
from prefect.events.filters import EventAnyResourceFilter, EventFilter, EventNameFilter


async def told_of_runs(pool: UUID) -> AsyncGenerator[None]:
    """Yield whenever a run of a work pool is scheduled.

    An event can be lost, so who needs every run also looks.
    """
    scheduled = EventFilter(
        event=EventNameFilter(name=["prefect.flow-run.Scheduled"]),
        any_resource=EventAnyResourceFilter(id=[f"prefect.work-pool.{pool}"]),
    )
    async with get_events_subscriber(filter=scheduled) as events:
        async for _ in events:
            yield
