"""Start services while others build."""

from __future__ import annotations

from flows.runtime.external_task import external_task
from flows.runtime.open_runner import open_runner
from flows.runtime.run_link import root_run
from shipway.code import Code
from shipway.concurrency import fail_fast_group
from shipway.layers.environment import environment_spec
from shipway.runners.environment import Images
from shipway.runners.runner import StartsEarly

# What ships may not be built yet.
NO_IMAGES = Images(tests=None, app=None)


@external_task("start the services of {code.app}")
async def start_services(code: Code) -> None:
    """Start each layer's services for its first shard while others build: they take their time.

    Raises:
        RetryError: The engine does not answer.
        RefuseError: A service's image cannot be pulled.
    """
    run = root_run()
    async with fail_fast_group() as group:
        for name, layer in code.pipeline.tests.layers.items():
            if not layer.services:
                continue
            runner = await open_runner(layer.runner)
            if isinstance(runner, StartsEarly):
                spec = environment_spec(code, name, NO_IMAGES, run, 0)
                group.create_task(runner.start_sidecars(spec))
