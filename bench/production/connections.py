"""How many connections of Prefect's database are at work, seen now and then."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from statistics import fmean

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

LOOK_SECONDS = 0.1
_BUSY = """
    select count(*) from pg_stat_activity
    where datname = current_database() and state <> 'idle' and pid <> pg_backend_pid()
"""


class Connections:
    """Samples of how many connections had a transaction open."""

    def __init__(self) -> None:
        self.busy = list[int]()

    @property
    def mean(self) -> float:
        """How many, in the mean."""
        return fmean(self.busy)


@asynccontextmanager
async def watched_connections() -> AsyncGenerator[Connections]:
    """Look at the database of the two servers until the block is left."""
    seen = Connections()
    engine = create_async_engine(os.environ["SHIPWAY_SERVERS_DATABASE"])

    async def look() -> None:
        async with engine.connect() as connection:
            while True:
                # Of a transaction of one's own, the view of others stays as it was.
                seen.busy.append((await connection.execute(text(_BUSY))).scalar_one())
                await connection.rollback()
                await asyncio.sleep(LOOK_SECONDS)

    looking = asyncio.create_task(look())
    try:
        yield seen
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        await engine.dispose()
