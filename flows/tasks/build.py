"""Build: one target of the app's Dockerfile."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from prefect.blocks.system import Secret
from prefect.logging import get_run_logger
from pydantic import SecretStr

from blocks.image_builder import ImageBuilder
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.build_secrets import BuildSecrets
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
        BuildSecrets(files=await _secrets(image.secrets), ssh=await _secrets(image.ssh)),
    )


async def _secrets(names: Mapping[str, str]) -> dict[str, SecretStr]:
    """The contents of Prefect's Secret blocks, by the id that the Dockerfile knows them by."""
    blocks = {known_as: await load_block(Secret, name) for known_as, name in names.items()}
    return {known_as: SecretStr(_text(block.get())) for known_as, block in blocks.items()}


def _text(value: Any) -> str:
    """A secret as a file: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


async def build_tests(code: Code, no_cache: bool = False) -> str | None:
    """Build what tests run in; None where no layer's runner needs an image."""
    layers = code.pipeline.tests.layers.values()
    if all(RUNNERS[layer.runner].images == "none" for layer in layers):
        return None
    return await build(code, "tests", no_cache)
