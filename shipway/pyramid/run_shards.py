"""A layer's shards side by side, as the schedule asks for them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from shipway.concurrency import fail_fast_group
from shipway.errors import ShipwayError
from shipway.pyramid.plan import Collected
from shipway.pyramid.results import Shard, TestResult
from shipway.pyramid.schedule import Schedule, ShardStart

OnEvent = Callable[[TestResult | Collected], None]
# Runs one shard; tells of each result the moment it is known.
RunShard = Callable[[ShardStart, OnEvent], Awaitable[Shard]]


async def run_shards(
    schedule: Schedule, shards: Sequence[ShardStart], run_shard: RunShard, *, fail_fast: bool
) -> ShipwayError | None:
    """Run shards, and what the schedule asks for after them, until nothing is left.

    Args:
        schedule: Says what starts next; notes all results.
        shards: What starts now.
        run_shard: Runs one shard.
        fail_fast: Whether the first failure that counts ends the others.

    Returns:
        The first error that kept a shard from its end, if no failure stops the others.

    Raises:
        ShipwayError: A shard did not come to its end, and the others were ended.
    """
    events: asyncio.Queue[tuple[ShardStart, TestResult | Collected | Shard | ShipwayError]]
    events = asyncio.Queue()
    problem: ShipwayError | None = None

    async def run(shard: ShardStart) -> None:
        try:
            ended = await run_shard(shard, lambda event: events.put_nowait((shard, event)))
        except ShipwayError as error:
            if fail_fast:
                raise
            ended = error
        events.put_nowait((shard, ended))

    async with fail_fast_group() as group:
        tasks = [group.create_task(run(shard)) for shard in shards]
        while schedule.running:
            shard, event = await events.get()
            if isinstance(event, ShipwayError):
                problem = problem or event
                following = schedule.end(shard, None)
            elif isinstance(event, Shard):
                following = schedule.end(shard, event)
            else:
                following = schedule.record(shard, event)
            if fail_fast and schedule.red:
                for task in tasks:
                    task.cancel()
                break
            tasks += [group.create_task(run(next_shard)) for next_shard in following]
    return problem
