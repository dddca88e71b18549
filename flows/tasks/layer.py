"""Test: one layer of the pyramid, in containers."""

from __future__ import annotations

import time
from typing import Literal

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from blocks.concurrency import together
from blocks.config import Layer
from blocks.container_runner import ContainerRunner, Ended, Sidecar
from blocks.errors import Fail
from blocks.junit import LayerResult, parse_junit
from flows.tasks.code import Code
from flows.tasks.outside import outside

LayerName = Literal["unit", "integration", "e2e"]
RESULTS = "/tmp/shipway-junit.xml"  # noqa: S108  # in the test's own container
SHOWN_FAILURES = 10


@task(task_run_name="{name} tests", cache_policy=NO_CACHE, persist_result=False)
async def run_tests(name: LayerName, code: Code, test_image: str, image: str | None) -> LayerResult:
    """Run one layer's command in the test image, with its services and the app beside it.

    Args:
        name: The layer.
        code: The revision.
        test_image: Local id of the image that the tests run in.
        image: Local id of the image under test, for a layer that starts the app.
    """
    runner = await ContainerRunner.aload("default")
    layer = code.pipeline.tests.layers[name]
    run = str(flow_run.root_flow_run_id)
    started = time.monotonic()
    sidecars = _sidecars(layer, image)
    async with runner.network(run, _place(code, name, run), sidecars) as (client, network):
        ended = await runner.run(
            client,
            network,
            test_image,
            layer.command,
            _environment(layer),
            layer.junit or RESULTS,
            get_run_logger().info,
            run,
            layer.budget,
        )
    return _judge(name, code, layer, ended, time.monotonic() - started)


@outside("start the services of {code.app}")
async def start_services(code: Code) -> None:
    """Start every layer's services while others build and test: databases take their time."""
    runner = await ContainerRunner.aload("default")
    run = str(flow_run.root_flow_run_id)
    async with together() as group:
        for name, layer in code.pipeline.tests.layers.items():
            if layer.services:
                begun = runner.start(run, _place(code, name, run), _sidecars(layer, None))
                group.create_task(begun)


def _place(code: Code, layer: str, run: str) -> str:
    """Name of a layer's network."""
    return f"{code.app}-{layer}-{run[:8]}"


def _sidecars(layer: Layer, image: str | None) -> dict[str, Sidecar]:
    sidecars = {
        name: Sidecar(image=one.image, env=one.env, ready=one.ready)
        for name, one in layer.services.items()
    }
    if layer.app is not None and image is not None:
        sidecars["app"] = Sidecar(image=image, env=layer.app.env, ready=layer.app.ready)
    return sidecars


def _environment(layer: Layer) -> dict[str, str]:
    # pytest reads its options from here, so that a suite needs no configuration of its own.
    pytest = f"--junitxml={RESULTS} --exitfirst --no-header -p no:cacheprovider"
    return {"PYTEST_ADDOPTS": pytest, "SHIPWAY_JUNIT": RESULTS, **layer.env}


def _judge(name: str, code: Code, layer: Layer, ended: Ended, seconds: float) -> LayerResult:
    command = " ".join(layer.command)
    untouched = "the registry, the ops repository and the cluster"
    if ended.results is None:
        raise Fail(
            f"The {name} layer left no test results.",
            where=command,
            expected=f"exit status 0 and JUnit XML at {layer.junit or RESULTS}",
            got=f"exit status {ended.status}; its last words:\n"
            + "\n".join(ended.last_lines[-15:]),
            untouched=untouched,
            remedy="write JUnit XML to $SHIPWAY_JUNIT, or set the layer's junit in pipeline.yaml",
        )
    result = LayerResult(
        layer=name, tests=parse_junit(ended.results, f"results of {name}"), seconds=seconds
    )
    if result.failures:
        shown = [f"{test.name}\n{test.message}" for test in result.failures[:SHOWN_FAILURES]]
        first = result.failures[0]
        more = f" and {len(result.failures) - 1} more" if len(result.failures) > 1 else ""
        raise Fail(
            f"The {name} layer is red: {first.name}{more} failed.",
            where=f"{code.app} {code.revision.short}: {command}",
            got="\n".join(shown),
            untouched=untouched,
            remedy=f"run `{command}` in the app's folder",
        )
    if ended.status != 0:
        raise Fail(
            f"The {name} layer is red although no test failed.",
            where=command,
            expected="exit status 0",
            got=f"exit status {ended.status}; its last words:\n"
            + "\n".join(ended.last_lines[-15:]),
            untouched=untouched,
        )
    if not result.count("passed"):
        raise Fail(
            f"The {name} layer ran no test.",
            where=command,
            expected="at least one test that passes",
            got=f"{result.count('skipped')} skipped",
            untouched=untouched,
        )
    return result
