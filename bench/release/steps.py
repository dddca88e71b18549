"""A pipeline of steps that do nothing, to see what a step costs.

`python -m bench.release.steps COUNT`.
"""

from __future__ import annotations

import asyncio
import sys
import time

from prefect import flow, task
from prefect.cache_policies import NO_CACHE


@task(cache_policy=NO_CACHE)
async def step() -> None:
    """Nothing."""


@flow(name="steps")
async def steps(count: int) -> None:
    """Run `count` empty steps, one after the other."""
    for _ in range(count):
        await step()


if __name__ == "__main__":
    begin = time.perf_counter()
    asyncio.run(steps(int(sys.argv[1])))
    print("seconds", time.perf_counter() - begin)
