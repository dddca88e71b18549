"""Builders of images that a test opens by itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from blocks.image_builder import ImageBuilder
from shipway.image_builders.builder import ImageBuilder as Builder
from shipway.registry import Registry


def sandbox_registry() -> Registry:
    """The sandbox's registry."""
    return Registry(address=os.environ["SHIPWAY_REGISTRY"], insecure=True)


def engine_builder(**fields: Any) -> Builder:
    """The sandbox's engine, unless the fields lead to another one."""
    block = ImageBuilder(**{"cli": os.environ["SHIPWAY_DOCKER_CLI"], **fields})
    return block.open(sandbox_registry())


def buildkit_block(**fields: Any) -> ImageBuilder:
    """A block that leads to the first of the sandbox's buildkitd, unless its fields say more."""
    keys = Path(os.environ["SHIPWAY_SANDBOX_BUILDKIT_KEYS"])
    given = {
        "address": os.environ["SHIPWAY_SANDBOX_BUILDKIT"],
        "ca": (keys / "ca.pem").read_text(),
        "certificate": (keys / "cert.pem").read_text(),
        "key": SecretStr((keys / "key.pem").read_text()),
        "buildctl": os.environ["SHIPWAY_BUILDCTL"],
    }
    return ImageBuilder(**{**given, **fields})


def buildkit_builder(**fields: Any) -> Builder:
    """The builder of such a block."""
    return buildkit_block(**fields).open(sandbox_registry())
