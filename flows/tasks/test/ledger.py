"""What a layer did before, and what it did now."""

from __future__ import annotations

import asyncio

from prefect.runtime import flow_run

from blocks.container_runner import ContainerRunner
from blocks.ledger import Ledger
from blocks.source_repository import SourceRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.code import Code
from shipway.ledger.layer_history import LayerHistory
from shipway.ledger.session import TestRun
from shipway.pyramid.layer_environment import sidecars_of
from shipway.pyramid.layer_inputs import inputs_hash
from shipway.pyramid.results import LayerResult
from shipway.runners.environment import Images
from shipway.runners.registry import RUNNERS


@external_task("read the ledger of {name}")
async def read_ledger(name: str, code: Code, images: Images, *, fresh: bool) -> LayerHistory:
    """What the layer did before; `fresh` asks for durations alone, and for nothing to be left out.

    Raises:
        RetryError: The engine or the ledger does not answer.
        RefuseError: A service's image cannot be pulled.
    """
    content = await _content(name, code, images)
    inputs = inputs_hash(code.app, name, code.pipeline.tests.layers[name], content)
    ledger = await load_block(Ledger)
    async with ledger.open() as book:
        return LayerHistory(
            inputs=inputs,
            green=None if fresh else await book.green(inputs),
            passed={} if fresh else await book.passed(inputs),
            known=await book.known(code.app, name),
        )


@external_task("write the ledger of {result.layer}")
async def write_ledger(
    result: LayerResult, code: Code, inputs: str, ran: list[TestRun], *, over: bool, green: bool
) -> None:
    """Note what every test did; a green layer does not run again with the same inputs.

    A layer that was not `over` goes on where it was.

    Raises:
        RetryError: The ledger does not answer.
    """
    run = str(flow_run.root_flow_run_id)
    ledger = await load_block(Ledger)
    async with ledger.open() as book:
        await book.record(code.app, result.layer, code.revision.commit, run, ran)
        if over:
            await book.forget(inputs)
        if green:
            await book.keep_green(inputs, run, result)


async def _content(name: str, code: Code, images: Images) -> list[str]:
    """Hashes of what the layer runs in: the images beside each other, or the files of the checkout.

    Images count by their content: two builds of one tree differ in their labels alone.
    """
    layer = code.pipeline.tests.layers[name]
    if RUNNERS[layer.runner].images == "none":
        source = await load_block(SourceRepository, code.app)
        return await asyncio.to_thread(source.objects, code.revision, layer.reads)
    # Wherever it runs: the engine has the images that were built.
    engine = (await load_block(ContainerRunner)).open()
    sidecars = sidecars_of(layer, images.app).values()
    return await engine.content_hashes([str(images.tests), *(beside.image for beside in sidecars)])
