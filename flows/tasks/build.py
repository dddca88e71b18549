"""Build: one target of the app's Dockerfile."""

from __future__ import annotations

from typing import Literal

from prefect.logging import get_run_logger

from blocks.image_builder import ImageBuilder
from flows.tasks.code import Code
from flows.tasks.labels import labels_of
from flows.tasks.outside import outside


@outside("build {what}")
async def build(code: Code, what: Literal["image", "tests"], no_cache: bool = False) -> str:
    """Build what ships, or what its tests run in; return the local image id."""
    builder = await ImageBuilder.aload("default")
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
    """Build what tests run in; None where every layer runs in a process."""
    if all(layer.runner == "process" for layer in code.pipeline.tests.layers.values()):
        return None
    return await build(code, "tests", no_cache)
