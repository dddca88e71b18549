"""Release: the green image, pushed once under an immutable tag."""

from __future__ import annotations

from collections.abc import Mapping

from blocks.registry import Registry
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.open_builder import open_builder
from shipway.code import Code
from shipway.errors import RefuseError
from shipway.image_labels import image_of
from shipway.image_ref import ImageRef
from shipway.registry import Pushed


@external_task("ask the registry for {code.app} {code.revision.short}")
async def find_image(code: Code) -> ImageRef | None:
    """The image of this revision, where it was pushed before.

    Nothing is pushed before the pyramid is green, so the tag is the proof that it was.
    """
    registry = (await load_block(Registry)).open()
    stored = await registry.find(registry.image(code.app, code.revision.commit))
    return image_of(stored, code) if stored else None


async def name_image(code: Code) -> ImageRef:
    """What the image of this revision will be called; no registry has that digest."""
    registry = (await load_block(Registry)).open()
    return registry.image(code.app, code.revision.commit).unbuilt()


@external_task("push {code.app} {code.revision.short}")
async def push(code: Code, built: str, elsewhere: Mapping[str, str]) -> Pushed:
    """Push the image under the revision's tag, unless another run of this revision was first.

    Args:
        code: The revision.
        built: What was tested, as the builder names it.
        elsewhere: The same for other platforms, by platform.
    """
    registry = (await load_block(Registry)).open()
    builder = await open_builder()
    image = registry.image(code.app, code.revision.commit)
    stored = await registry.find(image)
    if stored is not None:
        return Pushed(image=image_of(stored, code), new=False)
    if elsewhere:
        await builder.push_index({await builder.platform(): built, **elsewhere}, image)
    else:
        await builder.push(built, image)
    stored = await registry.find(image)
    if stored is None:
        raise RefuseError("The registry lost the image that was pushed.", where=str(image))
    return Pushed(image=image_of(stored, code), new=True)
