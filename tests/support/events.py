"""Events as the Prefect server has heard them."""

from __future__ import annotations

import asyncio

from prefect import get_client
from prefect.events import Event
from prefect.events.filters import EventFilter


async def events(those: EventFilter, at_least: int) -> list[Event]:
    """Events that a filter finds, oldest first; they are waited for, for they come beside runs."""
    async with get_client() as client, asyncio.timeout(20):
        while True:
            found = (await client.read_events(filter=those, limit=50)).events
            if len(found) >= at_least:
                return sorted(found, key=lambda event: event.occurred)
            await asyncio.sleep(0.2)
