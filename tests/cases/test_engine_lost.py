"""an engine that goes away is no verdict"""

from __future__ import annotations

import asyncio
import os
import re
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prefect_docker import DockerHost

from blocks.container_runner import ContainerRunner
from shipway.errors import FailError, RetryError
from shipway.image_builders.builder import Build
from shipway.test_tools.tool import Invocation
from tests.support.builders import engine_builder
from tests.support.engine_proxy import EngineProxy, engine_proxy
from tests.support.environments import spec_of

CLOCK = "while true; do date; sleep 0.2; done"


@pytest.fixture
async def proxy(sandbox: dict[str, str], tmp_path: Path) -> AsyncIterator[EngineProxy]:
    async with engine_proxy(tmp_path) as opened:
        yield opened


async def build(proxy: EngineProxy, folder: Path, step: str, cut_at: str) -> None:
    """Build an image of one step; the engine goes away at the line that begins with a pattern."""
    mark = uuid.uuid4().hex
    text = f"FROM {os.environ['SHIPWAY_PYTHON_IMAGE']}\nRUN echo {mark} && {step}\n"
    (folder / "Dockerfile").write_text(text)

    def log(line: str) -> None:
        if cut_at and re.match(rf"#\d+ {cut_at}", line.replace(mark, "MARK")):
            proxy.cut()

    builder = engine_builder(engine=DockerHost(base_url=proxy.url))
    await builder.build(Build(app="lost", context=folder, dockerfile=folder / "Dockerfile"), log)


@pytest.mark.parametrize("cut_at", [r"\[internal", r"\[2/2", "[0-9.]+ MARK"])
async def test_a_build_whose_engine_goes_away_may_be_tried_again(
    proxy: EngineProxy, tmp_path: Path, cut_at: str
) -> None:
    with pytest.raises(RetryError, match=r"The Docker engine went away\."):
        await build(proxy, tmp_path, "sleep 20", cut_at)


async def test_a_build_without_an_engine_may_be_tried_again(
    proxy: EngineProxy, tmp_path: Path
) -> None:
    proxy.cut()
    with pytest.raises(RetryError, match=r"The Docker engine went away\."):
        await build(proxy, tmp_path, "true", "")


@pytest.mark.parametrize(
    "words", ["Cannot connect to the Docker daemon", "rpc error: code = Unavailable"]
)
async def test_a_step_that_only_talks_of_a_lost_engine_does_not_build(
    proxy: EngineProxy, tmp_path: Path, words: str
) -> None:
    with pytest.raises(FailError, match=r"The image does not build\."):
        await build(proxy, tmp_path, f"echo '{words}' >&2 && false", "")


@pytest.mark.parametrize("command", [CLOCK, "sleep 20"])
async def test_tests_whose_engine_goes_away_may_be_tried_again(
    proxy: EngineProxy, python_image: str, command: str
) -> None:
    runner = ContainerRunner(engine=DockerHost(base_url=proxy.url)).open()
    spec = spec_of(run=str(uuid.uuid4()), image=python_image)
    invocation = Invocation(command=["sh", "-c", f"echo begun; {command}"], env={}, files={})
    loop = asyncio.get_running_loop()

    def output(chunk: bytes) -> None:
        if b"begun" in chunk:
            loop.call_soon_threadsafe(proxy.cut)

    try:
        with pytest.raises(RetryError, match=r"The Docker engine went away\."):
            async with runner.environment(spec) as environment:
                await environment.run(invocation, output)
    finally:
        await ContainerRunner().open().remove(spec.run)
