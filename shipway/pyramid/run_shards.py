"""A layer's shards side by side, as the schedule asks for them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from shipway.concurrency import fail_fast_group
from shipway.errors import ShipwayError
from shipway.pyramid.plan import Collected
from shipway.pyramid.results import CutOff, Shard, TestResult
from shipway.pyramid.schedule import Schedule, ShardStart

OnEvent = Callable[[TestResult | Collected | CutOff], None]
# Runs one shard; tells of each result the moment it is known.
RunShard = Callable[[ShardStart, OnEvent], Awaitable[Shard]]

_Events = asyncio.Queue[tuple[ShardStart, TestResult | Collected | Shard | ShipwayError]]


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
    events: _Events = asyncio.Queue()
    problem: ShipwayError | None = None

    async def run(shard: ShardStart) -> None:
        try:
            ended = await run_shard(shard, partial(_take, schedule, events, shard))
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


def _take(
    schedule: Schedule, events: _Events, shard: ShardStart, event: TestResult | Collected | CutOff
) -> None:
    """Have an event of a shard seen to; nobody waits for those of one that is being ended."""
    if isinstance(event, CutOff):
        schedule.cut_off.append(event)
    else:
        events.put_nowait((shard, event))
