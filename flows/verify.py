"""Test: one layer of the pyramid, in shards, as a subflow that bears the layer's name."""

from __future__ import annotations

import asyncio
import shlex
import time
from contextlib import nullcontext

from prefect import flow
from prefect.logging import get_run_logger

from flows.runtime.beside import finish_beside
from flows.runtime.external_task import as_is
from flows.runtime.open_runner import open_runner
from flows.runtime.run_link import address_of
from flows.tasks.test.ledger import read_ledger, saving_passed, write_ledger
from flows.tasks.test.run_shard import shard_runner
from shipway.code import Code
from shipway.concurrency import shielded
from shipway.errors import FailError, RetryError, ShipwayError
from shipway.layers.result import layer_result, recorded_runs, tests_cut_off, warnings
from shipway.layers.rules import rules_of, time_limit
from shipway.layers.tool import tool_of
from shipway.ledger.layer_history import LayerHistory
from shipway.pyramid.layer_run import LayerRun
from shipway.pyramid.layer_verdict import judge, suites_differ, timed_out
from shipway.pyramid.results import LayerResult
from shipway.pyramid.run_shards import run_shards
from shipway.pyramid.schedule import Schedule
from shipway.pytest_plugin.shipway_split import shard_count
from shipway.runners.environment import Images
from shipway.test_tools.tool import Tool

# A container and a start of the test tool cost about a second.
LEAST_SHARD_SECONDS = 5.0


@flow(
    name="layer",
    flow_run_name="{name} · {code.app} {code.revision.short}",
    on_completion=[finish_beside],
    on_failure=[finish_beside],
)
async def verify(name: str, code: Code, images: Images, *, fresh: bool = False) -> LayerResult:
    """Run a layer's tests, unless they were green with the same inputs before.

    Args:
        name: The layer.
        code: The revision.
        images: What the tests run in, and what they test.
        fresh: Run every test to its end, whatever is known; a failure stops nothing.

    Raises:
        RedLayerError: The layer is red.
    """
    history = await read_ledger(name, code, images, fresh=fresh)
    if history.green is not None:
        return _green_before(history.green)
    shards, begin = await _count_shards(name, code, history), time.monotonic()
    layer = code.layer(name)
    tool = tool_of(layer, code.folder, fresh=fresh)
    layer_run = LayerRun(rules_of(layer), history.proven, history.passed)
    schedule = Schedule(name, layer_run, tool.unit_of)

    def result() -> LayerResult:
        seconds = time.monotonic() - begin
        return layer_result(name, code.pipeline, tool, layer_run, schedule.shards, seconds)

    finished = green = False
    try:
        problem = await _run(name, code, images, history, schedule, shards, tool, fresh=fresh)
        revision, command = f"{code.app} {code.revision.short}", shlex.join(layer.command)
        judged = judge(result(), revision=revision, command=command, problem=problem)
        finished = True
        green = {test.outcome for test in judged.tests} <= {"passed", "skipped"}
        for warning in warnings(judged, layer):
            get_run_logger().warning("%s", warning)
        return judged
    except ShipwayError as error:
        # What somebody else's fault cut off goes on where it was.
        finished = not isinstance(error, RetryError)
        raise
    finally:
        await shielded(
            write_ledger(
                as_is(result()),
                code,
                history.inputs,
                as_is(recorded_runs(layer_run, tool)),
                # What another run of the same inputs has noted so far is that run's.
                finished=finished and not fresh,
                green=green and not fresh,
            )
        )


def _green_before(result: LayerResult) -> LayerResult:
    """The result of an earlier run, with that run's address."""
    since = address_of(str(result.cached))
    log = get_run_logger()
    log.info("The %s layer was green with the same inputs: %s", result.layer, since)
    return result.model_copy(update={"cached": since})


async def _count_shards(name: str, code: Code, history: LayerHistory) -> int:
    """How many shards: as the team says, or from recorded times and the layer's share of slots."""
    layer = code.layer(name)
    if layer.shards != "auto":
        return layer.shards
    if not layer.splits:
        return 1
    if sum(history.seconds_left) < 2 * LEAST_SHARD_SECONDS:
        return 1
    slots = await (await open_runner(layer.runner)).slots()
    share = max(1, round(slots * code.pipeline.tests.weight(name)))
    return shard_count(history.seconds_left, share, LEAST_SHARD_SECONDS)


async def _run(
    name: str,
    code: Code,
    images: Images,
    history: LayerHistory,
    schedule: Schedule,
    shards: int,
    tool: Tool,
    *,
    fresh: bool,
) -> ShipwayError | None:
    """Run all that the schedule asks for, and say what kept it from its end."""
    layer = code.layer(name)
    limit = time_limit(layer, code.pipeline.tests.budget_seconds_of(name))
    command = shlex.join(layer.command)
    run_shard = shard_runner(name, code, images, tool, time.monotonic() + limit.seconds)
    starts = schedule.first_shards(history.plan(layer.split), shards)
    saving = nullcontext() if fresh else saving_passed(history.inputs, schedule)
    try:
        async with asyncio.timeout(limit.seconds), saving:
            problem = await run_shards(schedule, starts, run_shard, fail_fast=not fresh)
    except TimeoutError:
        cut_off = schedule.cut_off
        last_words = "\n".join(cut.last_words for cut in cut_off)
        running = tests_cut_off(name, code.pipeline, tool, cut_off)
        return timed_out(command, limit.seconds, limit.key, running, last_words)
    except FailError as error:
        return error
    return suites_differ(command) if schedule.suites_differ else problem
