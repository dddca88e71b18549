"""What a layer needs before its tests run: what it did before, and what it reads."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from datetime import UTC, datetime
from typing import Any

from prefect.runtime import flow_run
from pydantic import BaseModel, ConfigDict

from blocks.container_runner import ContainerRunner
from blocks.ledger import Ledger
from blocks.pod_runner import PodRunner
from blocks.source_repository import SourceRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.tasks.push import publish
from shipway.code import Code
from shipway.concurrency import fail_fast_group
from shipway.config.pipeline import Layer
from shipway.ledger.session import KnownTest, TestRun
from shipway.pyramid.results import LayerResult
from shipway.pyramid.verdict import Rules, active
from shipway.runners.containers import Sidecar


class LayerHistory(BaseModel):
    """What is known of a layer before it runs.

    Attributes:
        inputs: A hash of all that the layer reads.
        green: Its result, where it was green with these inputs.
        passed: Tests that passed with these inputs in a run that was killed; seconds.
        known: Its tests, by the name that the ledger keeps.
    """

    model_config = ConfigDict(frozen=True)

    inputs: str
    green: LayerResult | None
    passed: dict[str, float]
    known: dict[str, KnownTest]


class Images(BaseModel):
    """Local ids of the images of a revision: the one tests run in, and the one that ships.

    None where no layer needs it.
    """

    model_config = ConfigDict(frozen=True)

    tests: str | None
    app: str | None


@external_task("read the ledger of {name}")
async def read_ledger(name: str, code: Code, images: Images, *, fresh: bool) -> LayerHistory:
    """What the layer did before; `fresh` asks for durations alone, and for nothing to be left out.

    Raises:
        RetryError: The engine or the ledger does not answer.
        RefuseError: A service's image cannot be pulled.
    """
    inputs = await _inputs(name, code, images)
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


def rules_of(layer: Layer) -> Rules:
    """What the team decided, as of today (UTC)."""
    today = datetime.now(UTC).date()
    known = {name for name, one in layer.quarantine.items() if active(one.until, today)}
    repeats = layer.new_tests if layer.splits else 1
    return Rules(retries=layer.retries, new_tests=repeats, quarantined=frozenset(known))


@external_task("start the services of {code.app}")
async def start_services(code: Code) -> None:
    """Start each layer's services for its first shard while others build: they take their time.

    Raises:
        RetryError: The engine does not answer.
        RefuseError: A service's image cannot be pulled.
    """
    runner, run = await load_block(ContainerRunner), str(flow_run.root_flow_run_id)
    async with fail_fast_group() as group:
        for name, layer in code.pipeline.tests.layers.items():
            if layer.services and layer.runner == "container":
                beside = sidecars_of(layer, None)
                group.create_task(runner.start(run, place_name(code, name, run, 0), beside))


def place_name(code: Code, layer: str, run: str, number: int) -> str:
    """Name of a place of a run: its network bears it."""
    return f"{code.app}-{layer}-{run[:8]}-{number}"


def sidecars_of(layer: Layer, image: str | None) -> dict[str, Sidecar]:
    """The containers beside a layer's tests; the app only where its image is given."""
    sidecars = {
        name: Sidecar(image=one.image, env=one.env, ready=one.ready)
        for name, one in layer.services.items()
    }
    if layer.app is not None and image is not None:
        sidecars["app"] = Sidecar(image=image, env=layer.app.env, ready=layer.app.ready)
    return sidecars


async def slots_of(layer: Layer) -> int:
    """How many shards may run at once where the layer runs."""
    if layer.runner == "process":
        return os.cpu_count() or 1
    if layer.runner == "pod":
        return (await load_block(PodRunner)).slots
    return await (await load_block(ContainerRunner)).capacity()


async def for_pods(code: Code, images: Images) -> tuple[Images, dict[str, str]]:
    """The images where a cluster can pull them, and the environment that the test image has."""
    runner = await load_block(ContainerRunner)
    published = Images(
        tests=await publish(code, str(images.tests)),
        app=await publish(code, images.app) if images.app else None,
    )
    return published, await runner.environment(str(images.tests))


async def _inputs(name: str, code: Code, images: Images) -> str:
    """A hash of what the layer reads: code or image, command, and the images beside it.

    Images count by their content: two builds of one tree differ in their labels alone.
    """
    layer = code.pipeline.tests.layers[name]
    # How it is split, and what happens on failure, change no test's result.
    kept = {"command", "tool", "files", "junit", "runner", "env", "services", "app"}
    facts: list[Any] = [code.app, name, layer.model_dump(mode="json", include=kept)]
    facts.append(sorted(rules_of(layer).quarantined))
    if layer.runner == "process":
        source: SourceRepository = await load_block(SourceRepository, code.app)
        facts.append(await asyncio.to_thread(source.objects, code.revision, layer.reads))
    else:
        runner = await load_block(ContainerRunner)
        beside = sidecars_of(layer, images.app).values()
        facts.append(await runner.contents([str(images.tests), *(one.image for one in beside)]))
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
