"""Deploy, in between: time for people to look before the next step."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from prefect.logging import get_run_logger

from flows.tasks.outside import outside


@outside("hold after {step}")
async def hold(step: str, since: datetime, seconds: float) -> None:
    """Wait until so many seconds have passed since a step was committed, by whichever run."""
    left = seconds - (datetime.now(UTC) - since).total_seconds()
    if left > 0:
        get_run_logger().info("%s: the next step comes in %.0f s", step, left)
        await asyncio.sleep(left)
