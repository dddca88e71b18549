"""Build: one target of the app's Dockerfile."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from prefect.blocks.system import Secret
from prefect.logging import get_run_logger
from pydantic import SecretStr

from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.open_builder import open_builder
from shipway.build_secrets import BuildSecrets
from shipway.by_hand import build_by_hand
from shipway.code import Code
from shipway.errors import RefuseError
from shipway.image_builders.builder import Build
from shipway.image_labels import labels_of
from shipway.runners.registry import RUNNERS


@external_task("build {what}")
async def build(code: Code, what: Literal["image", "tests"], no_cache: bool = False) -> str:
    """Build what ships, or what its tests run in; return the name that the builder gives it."""
    image = code.pipeline.image
    target = image.target if what == "image" else code.pipeline.tests.target or image.target
    return await _build(code, target, no_cache=no_cache)


async def build_elsewhere(code: Code) -> dict[str, str]:
    """What ships for each platform that the builder itself is not of, as the builder names it.

    Raises:
        RefuseError: The platforms lack the builder's own, which is the one that is tested.
    """
    platforms = code.pipeline.image.platforms
    if not platforms:
        return {}
    own = await (await open_builder()).platform()
    if own not in platforms:
        raise RefuseError(
            "The image would ship untested: tests run on the builder's own platform.",
            where="pipeline.yaml: image.platforms",
            expected=f"{own} among the platforms",
            got=", ".join(platforms),
            untouched="everything: nothing was pushed or committed",
            remedy=f"add {own}, or build on one of these platforms",
        )
    return {platform: await build_for(code, platform) for platform in platforms if platform != own}


@external_task("build image for {platform}")
async def build_for(code: Code, platform: str) -> str:
    """Build what ships for another platform; return the name that the builder gives it."""
    return await _build(code, code.pipeline.image.target, platform=platform)


async def _build(
    code: Code, target: str | None, *, no_cache: bool = False, platform: str | None = None
) -> str:
    image = code.pipeline.image
    wanted = Build(
        app=code.app,
        context=code.context,
        dockerfile=code.folder / image.dockerfile,
        target=target,
        args={"REVISION": code.revision.commit, **image.args},
        labels=labels_of(code),
        secrets=BuildSecrets(files=await _secrets(image.secrets), ssh=await _secrets(image.ssh)),
        platform=platform,
        no_cache=no_cache,
        by_hand=build_by_hand(image, target, *(["--platform", platform] if platform else [])),
    )
    return await (await open_builder()).build(wanted, get_run_logger().debug)


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
