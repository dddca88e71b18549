"""The builder of images, with the settings that people have saved for it."""

from __future__ import annotations

from blocks.image_builder import ImageBuilder
from blocks.registry import Registry
from flows.runtime.load_block import load_block
from shipway.image_builders import builder


async def open_builder() -> builder.ImageBuilder:
    """The builder of the Image Builder block, which gives what is green to the Registry block's.

    Raises:
        RefuseError: There is no such block.
    """
    block = await load_block(ImageBuilder)
    return block.open((await load_block(Registry)).open())
