"""Wait until the Prefect server is no older than the Prefect here.

`python -m deployments.wait_for_server` runs before a worker does: a client may ask for what an
older server does not know, so the server is upgraded first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import prefect
from packaging.version import Version
from prefect import get_client

LOOK_SECONDS = 2.0


async def wait_for_server(
    ask: Callable[[], Awaitable[str]], needed: Version, say: Callable[[str], None]
) -> None:
    """Wait until a server answers, and is no older than needed.

    Args:
        ask: Asks the server for its version; an httpx.HTTPError says that it gives none.
        needed: The version that it is to have.
        say: Told why there is a wait, once for each reason.
    """
    told = None
    while reason := await _reason(ask, needed):
        if reason != told:
            say(reason)
        told = reason
        await asyncio.sleep(LOOK_SECONDS)


async def _reason(ask: Callable[[], Awaitable[str]], needed: Version) -> str | None:
    """Why it is not time yet; None where it is."""
    try:
        served = await ask()
    except httpx.HTTPError as error:
        return f"waiting for the Prefect server, which gives no version: {error!r}"
    if Version(served) < needed:
        return f"waiting for the upgrade of the Prefect server, from {served} to {needed}"
    return None


async def _ask() -> str:
    async with get_client() as client:
        return await client.api_version()


if __name__ == "__main__":
    asyncio.run(wait_for_server(_ask, Version(prefect.__version__), print))
