"""The test environments of a layer, and the images that they are made of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from flows.runtime.beside import closed_beside
from flows.runtime.external_task import external_task
from flows.runtime.open_builder import open_builder
from flows.runtime.open_runner import open_runner
from flows.runtime.run_link import root_run
from shipway.code import Code
from shipway.layers.environment import environment_spec
from shipway.runners.environment import Images, TestEnvironment
from shipway.runners.registry import RUNNERS


@external_task("publish what {code.app} {code.revision.short} is tested with")
async def publish(code: Code, built: str) -> str:
    """Have an image under test where a cluster can pull it; return its reference by digest.

    It has no release's tag: that says that tests were green.
    """
    return str(await (await open_builder()).publish(code.app, built))


class LayerEnvironments:
    """Opens the environments of a layer's shards, wherever the layer runs.

    Args:
        layer_name: The layer.
        code: The revision.
        images: As they were built.
    """

    def __init__(self, layer_name: str, code: Code, images: Images) -> None:
        self._layer_name = layer_name
        self._code = code
        self._runner_name = code.layer(layer_name).runner
        self._images = images
        self._image_env: dict[str, str] = {}
        self._published = RUNNERS[self._runner_name].images != "registry"
        self._publishing = asyncio.Lock()

    @asynccontextmanager
    async def open(self, number: int) -> AsyncGenerator[TestEnvironment]:
        """The environment of a shard, by its number in the layer."""
        runner = await open_runner(self._runner_name)
        await self._publish_once()
        run = root_run()
        spec = environment_spec(
            self._code, self._layer_name, self._images, run, number, self._image_env
        )
        async with closed_beside(runner.environment(spec)) as environment:
            yield environment

    async def _publish_once(self) -> None:
        """Push the images where the runner takes them from the registry: once for all shards."""
        async with self._publishing:
            if self._published:
                return
            tests = str(self._images.tests)
            self._image_env = await (await open_builder()).image_env(tests)
            app = self._images.app
            self._images = Images(
                tests=await publish(self._code, tests),
                app=await publish(self._code, app) if app else None,
            )
            self._published = True
