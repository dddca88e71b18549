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

from blocks.concurrency import together
from blocks.config import Layer
from blocks.container_runner import ContainerRunner
from blocks.errors import Refuse
from blocks.ledger import Known, Ledger, Ran
from blocks.pod_runner import PodRunner
from blocks.runners.containers import Sidecar
from blocks.source_repository import SourceRepository
from blocks.testing.results import LayerResult
from blocks.testing.verdict import Rules, active
from flows.tasks.code import Code, source_of
from flows.tasks.outside import outside
from flows.tasks.push import publish


class Before(BaseModel):
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
    known: dict[str, Known]


class Images(BaseModel):
    """Local ids of the images of a revision: the one tests run in, and the one that ships.

    None where no layer needs it.
    """

    model_config = ConfigDict(frozen=True)

    tests: str | None
    app: str | None


@outside("read the ledger of {name}")
async def read_ledger(name: str, code: Code, images: Images, *, fresh: bool) -> Before:
    """What the layer did before; `fresh` asks for durations alone, and for nothing to be left out.

    Raises:
        Retry: The engine or the ledger does not answer.
        Refuse: A service's image cannot be pulled.
    """
    inputs = await _inputs(name, code, images)
    ledger = await Ledger.aload("default")
    async with ledger.open() as book:
        return Before(
            inputs=inputs,
            green=None if fresh else await book.green(inputs),
            passed={} if fresh else await book.passed(inputs),
            known=await book.known(code.app, name),
        )


@outside("write the ledger of {result.layer}")
async def write_ledger(
    result: LayerResult, code: Code, inputs: str, ran: list[Ran], *, over: bool, green: bool
) -> None:
    """Note what every test did; a green layer does not run again with the same inputs.

    A layer that was not `over` goes on where it was.

    Raises:
        Retry: The ledger does not answer.
    """
    run = str(flow_run.root_flow_run_id)
    ledger = await Ledger.aload("default")
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


@outside("start the services of {code.app}")
async def start_services(code: Code) -> None:
    """Start each layer's services for its first shard while others build: they take their time.

    Raises:
        Retry: The engine does not answer.
        Refuse: A service's image cannot be pulled.
    """
    runner, run = await ContainerRunner.aload("default"), str(flow_run.root_flow_run_id)
    async with together() as group:
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
        return (await pod_runner()).slots
    return await (await ContainerRunner.aload("default")).capacity()


async def pod_runner() -> PodRunner:
    """The cluster that pods of tests run in.

    Raises:
        Refuse: None is set up.
    """
    try:
        return await PodRunner.aload("default")
    except ValueError:
        raise Refuse(
            "A layer runs in pods, and no cluster is set up for them.",
            where="pipeline.yaml: runner: pod",
            expected="a Pod Runner block named default",
            got="no such block",
            untouched="everything: nothing was built, pushed or committed",
            remedy="create it in the Prefect UI, or run python -m deployments.bootstrap with "
            "SHIPWAY_POD_POOL",
        ) from None


async def for_pods(code: Code, images: Images) -> tuple[Images, dict[str, str]]:
    """The images where a cluster can pull them, and the environment that the test image has."""
    runner = await ContainerRunner.aload("default")
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
        source: SourceRepository = await source_of(code.app)
        facts.append(await asyncio.to_thread(source.objects, code.revision, layer.reads))
    else:
        runner = await ContainerRunner.aload("default")
        beside = sidecars_of(layer, images.app).values()
        facts.append(await runner.contents([str(images.tests), *(one.image for one in beside)]))
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
