"""What a layer did before, and what it did now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from blocks.ledger import Ledger
from blocks.source_repository import SourceRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.open_builder import open_builder
from flows.runtime.run_link import root_run
from shipway.code import Code
from shipway.concurrency import fail_fast_group
from shipway.errors import RetryError
from shipway.layers.environment import sidecars_of
from shipway.layers.inputs import inputs_hash
from shipway.ledger.layer_history import LayerHistory
from shipway.ledger.session import TestRun
from shipway.pyramid.results import LayerResult
from shipway.pyramid.schedule import Schedule
from shipway.runners.environment import Images
from shipway.runners.registry import RUNNERS

FLUSH_SECONDS = 0.5


@external_task("read the ledger of {name}")
async def read_ledger(name: str, code: Code, images: Images, *, fresh: bool) -> LayerHistory:
    """What the layer did before; `fresh` asks for durations alone, and for nothing to be left out.

    Raises:
        RetryError: The engine or the ledger does not answer.
        RefuseError: A service's image cannot be pulled.
    """
    content = await _content(name, code, images)
    inputs = inputs_hash(code.app, name, code.layer(name), content)
    ledger = await load_block(Ledger)
    async with ledger.open() as session:
        return LayerHistory(
            inputs=inputs,
            green=None if fresh else await session.green(inputs),
            passed={} if fresh else await session.passed(inputs),
            known=await session.known(code.app, name),
        )


@asynccontextmanager
async def saving_passed(inputs: str, schedule: Schedule) -> AsyncGenerator[None]:
    """Meanwhile, note what has passed: if the run is killed, only the rest runs again."""

    async def save() -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            if passed := schedule.take_passed():
                with suppress(RetryError):
                    async with (await load_block(Ledger)).open() as session:
                        await session.note_passed(inputs, passed)

    async with fail_fast_group() as group:
        saving = group.create_task(save())
        yield
        saving.cancel()


@external_task("write the ledger of {result.layer}")
async def write_ledger(
    result: LayerResult,
    code: Code,
    inputs: str,
    runs: list[TestRun],
    *,
    finished: bool,
    green: bool,
) -> None:
    """Note what every test did; a green layer does not run again with the same inputs.

    A layer that has not `finished` goes on where it was.

    Raises:
        RetryError: The ledger does not answer.
    """
    run = root_run()
    ledger = await load_block(Ledger)
    async with ledger.open() as session:
        await session.record(code.app, result.layer, code.revision.commit, run, runs)
        if finished:
            await session.forget(inputs)
        if green:
            await session.keep_green(inputs, run, result)


async def _content(name: str, code: Code, images: Images) -> list[str]:
    """Hashes of what the layer runs in: the images beside each other, or the files of the checkout.

    Images count by their content: two builds of one tree differ in their labels alone.
    """
    layer = code.layer(name)
    if RUNNERS[layer.runner].images == "none":
        source = await load_block(SourceRepository, code.app)
        reads = await asyncio.to_thread(source.objects, code.revision, layer.reads)
        return reads + await asyncio.to_thread(source.used, code.revision, code.pipeline.uses)
    # Wherever it runs: who built the images knows them.
    builder = await open_builder()
    sidecars = sidecars_of(layer, images.app).values()
    return await builder.content_hashes([str(images.tests), *(beside.image for beside in sidecars)])
