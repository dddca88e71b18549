"""Constant load from a real HTTP client, and what each request came to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import groupby

import httpx

PAUSE_SECONDS = 0.01


@dataclass
class Load:
    """Requests in the order they were sent, with the second that each was sent at."""

    answers: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    failed: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])

    @property
    def bodies(self) -> list[str]:
        """What was answered, one after the other, without what is the same as before."""
        return [body for body, _ in groupby(body for _, body in sorted(self.answers))]


@asynccontextmanager
async def load(url: str, host: str | None = None, clients: int = 1) -> AsyncIterator[Load]:
    """Ask for a page again and again until the block is left, each time on a new connection."""
    so_far = Load()
    over = asyncio.Event()

    async def ask() -> None:
        async with httpx.AsyncClient(
            timeout=5,
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=False,
            headers={} if host is None else {"Host": host},
        ) as client:
            while not over.is_set():
                at = time.monotonic()
                try:
                    answer = (await client.get(url)).raise_for_status()
                    so_far.answers.append((at, answer.text))
                except httpx.HTTPError as error:
                    so_far.failed.append((at, repr(error)))
                await asyncio.sleep(PAUSE_SECONDS)

    asking = [asyncio.create_task(ask()) for _ in range(clients)]
    try:
        yield so_far
    finally:
        over.set()
        await asyncio.gather(*asking)
