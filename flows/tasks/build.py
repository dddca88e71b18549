"""Build: one target of the app's Dockerfile."""

from __future__ import annotations

from typing import Literal

from prefect.logging import get_run_logger

from blocks.image_builder import ImageBuilder
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.code import Code
from shipway.image_labels import labels_of
from shipway.runners.registry import RUNNERS


@external_task("build {what}")
async def build(code: Code, what: Literal["image", "tests"], no_cache: bool = False) -> str:
    """Build what ships, or what its tests run in; return the local image id."""
    builder = (await load_block(ImageBuilder)).open()
    image = code.pipeline.image
    target = image.target if what == "image" else code.pipeline.tests.target or image.target
    return await builder.build(
        code.folder / image.context,
        code.folder / image.dockerfile,
        target,
        {"REVISION": code.revision.commit, **image.args},
        labels_of(code),
        get_run_logger().debug,
        no_cache,
    )


async def build_tests(code: Code, no_cache: bool = False) -> str | None:
    """Build what tests run in; None where no layer's runner needs an image."""
    layers = code.pipeline.tests.layers.values()
    if all(RUNNERS[layer.runner].images == "none" for layer in layers):
        return None
    return await build(code, "tests", no_cache)
