"""Have a layer's place ready before its turn."""

from __future__ import annotations

from flows.runtime.external_task import external_task
from flows.runtime.open_runner import open_runner
from flows.runtime.run_link import root_run
from shipway.code import Code
from shipway.layers.environment import environment_spec
from shipway.runners.environment import Images
from shipway.runners.runner import PreparesPlaces


@external_task("prepare the place of {name}")
async def prepare_place(name: str, code: Code, app: str | None) -> None:
    """Make the network of a layer's first shard, and start what is beside its tests there.

    It runs beside the build and the layers before, and waits for nothing to be ready.

    Args:
        name: The layer.
        code: The revision.
        app: The image that ships, if the layer needs it.

    Raises:
        RetryError: The engine does not answer.
        RefuseError: A service's image cannot be pulled.
    """
    runner = await open_runner(code.layer(name).runner)
    if isinstance(runner, PreparesPlaces):
        images = Images(tests=None, app=app)
        await runner.prepare(environment_spec(code, name, images, root_run(), 0))
