from __future__ import annotations

import asyncio

import pytest

from shipway.errors import FailError, RetryError
from shipway.pyramid.layer_run import LayerRun
from shipway.pyramid.plan import Plan
from shipway.pyramid.results import CutOff, Outcome, Shard, TestResult
from shipway.pyramid.run_shards import OnEvent, run_shards
from shipway.pyramid.schedule import Schedule, ShardStart
from shipway.pyramid.verdict import Rules


def came_to(name: str, outcome: Outcome = "passed") -> TestResult:
    return TestResult(name=name, outcome=outcome, seconds=1.0)


def schedule(retries: int = 0) -> Schedule:
    layer_run = LayerRun(Rules(retries=retries, new_tests=1), {}, {})
    return Schedule("unit", layer_run, lambda test: test.name)


def outcomes(tested: Schedule) -> dict[str, str]:
    return {test.name: test.outcome for test in tested.layer_run.results()}


async def summary() -> Shard:
    await asyncio.sleep(0)
    return Shard(tests=1, test_seconds=1, seconds=1)


async def test_retries_run_beside_the_shards_that_go_on() -> None:
    tested, order = schedule(retries=1), list[str]()
    retried = asyncio.Event()

    async def run_shard(shard: ShardStart, on_event: OnEvent) -> Shard:
        order.append(shard.title)
        if shard.retries:
            on_event(came_to("a"))
            retried.set()
        elif shard.number == 0:
            on_event(came_to("a", "failed"))
        else:
            await retried.wait()
            on_event(came_to("b"))
        return await summary()

    shards = tested.first_shards(Plan(), 2)
    assert await run_shards(tested, shards, run_shard, fail_fast=True) is None
    assert order == ["unit, shard 1/2", "unit, shard 2/2", "unit, retry a"]
    assert outcomes(tested) == {"a": "flaky", "b": "passed"}
    assert len(tested.shards) == 2


async def test_the_first_failure_that_counts_ends_all_shards() -> None:
    tested, ended = schedule(), list[int]()

    async def run_shard(shard: ShardStart, on_event: OnEvent) -> Shard:
        if shard.number == 0:
            on_event(came_to("a", "failed"))
        try:
            await asyncio.sleep(300)
        finally:
            ended.append(shard.number)
        return await summary()

    shards = tested.first_shards(Plan(), 3)
    assert await run_shards(tested, shards, run_shard, fail_fast=True) is None
    assert (tested.red, sorted(ended)) == (True, [0, 1, 2])
    assert outcomes(tested) == {"a": "failed"}


async def test_a_shard_that_does_not_come_to_its_end_ends_the_others() -> None:
    tested, ended = schedule(), list[int]()

    async def run_shard(shard: ShardStart, on_event: OnEvent) -> Shard:
        if shard.number == 0:
            raise RetryError("The engine does not answer.")
        try:
            await asyncio.sleep(300)
        finally:
            ended.append(shard.number)
        return await summary()

    shards = tested.first_shards(Plan(), 2)
    with pytest.raises(RetryError, match=r"The engine does not answer\."):
        await run_shards(tested, shards, run_shard, fail_fast=True)
    assert ended == [1]


async def test_where_nothing_stops_the_layer_all_of_it_runs_and_the_first_problem_is_told() -> None:
    tested = schedule()

    async def run_shard(shard: ShardStart, on_event: OnEvent) -> Shard:
        name = str(shard.number)
        if shard.number < 2:
            raise FailError(f"Shard {name} crashed.")
        on_event(came_to(name, "failed" if shard.number == 2 else "passed"))
        return await summary()

    shards = tested.first_shards(Plan(), 4)
    problem = await run_shards(tested, shards, run_shard, fail_fast=False)
    assert str(problem) == "Shard 0 crashed."
    assert outcomes(tested) == {"2": "failed", "3": "passed"}
    assert len(tested.shards) == 2


async def test_a_cancelled_call_ends_its_shards() -> None:
    tested, ended, begun = schedule(), list[int](), asyncio.Event()

    async def run_shard(shard: ShardStart, on_event: OnEvent) -> Shard:
        on_event(came_to("a"))
        try:
            await asyncio.sleep(0)
            begun.set()
            await asyncio.sleep(300)
        finally:
            ended.append(shard.number)
        return await summary()

    running = asyncio.create_task(
        run_shards(tested, tested.first_shards(Plan(), 1), run_shard, fail_fast=True)
    )
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended == [0]
    assert outcomes(tested) == {"a": "passed"}


async def test_shards_that_are_ended_say_what_they_were_at() -> None:
    tested, cut = schedule(), CutOff(tests=(came_to("a", "failed"),), last_words="so far")
    begun = asyncio.Event()

    async def run_shard(_shard: ShardStart, on_event: OnEvent) -> Shard:
        try:
            begun.set()
            await asyncio.sleep(300)
        except asyncio.CancelledError:
            on_event(cut)
            raise
        return await summary()

    shards = tested.first_shards(Plan(), 1)
    running = asyncio.create_task(run_shards(tested, shards, run_shard, fail_fast=True))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert tested.cut_off == [cut]
