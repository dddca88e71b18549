"""Release: the green image, pushed once under an immutable tag."""

from __future__ import annotations

from blocks.image_builder import ImageBuilder
from blocks.registry import Registry
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.code import Code
from shipway.errors import RefuseError
from shipway.image_labels import INPUTS, REVISION, labels_of
from shipway.image_ref import ImageRef
from shipway.registry import Pushed, Stored


@external_task("ask the registry for {code.app} {code.revision.short}")
async def find_image(code: Code) -> ImageRef | None:
    """The image of this revision, where it was pushed before.

    Nothing is pushed before the pyramid is green, so the tag is the proof that it was.
    """
    registry = (await load_block(Registry)).open()
    found = await registry.find(registry.image(code.app, code.revision.commit))
    return _same_image(found, code).pinned() if found else None


@external_task("push {code.app} {code.revision.short}")
async def push(code: Code, image_id: str) -> Pushed:
    """Push the image under the revision's tag, unless another run of this revision was first."""
    registry = (await load_block(Registry)).open()
    builder = (await load_block(ImageBuilder)).open()
    image = registry.image(code.app, code.revision.commit)
    found = await registry.find(image)
    if found is not None:
        return Pushed(image=_same_image(found, code).pinned(), new=False)
    async with builder.client() as client:
        await registry.push(client, image_id, image)
    found = await registry.find(image)
    if found is None:
        raise RefuseError("The registry lost the image that was pushed.", where=str(image))
    return Pushed(image=_same_image(found, code).pinned(), new=True)


def _same_image(found: Stored, code: Code) -> ImageRef:
    expected = labels_of(code)
    if found.labels.get(INPUTS) != expected[INPUTS]:
        raise RefuseError(
            "The tag of this revision is taken by another image; a tag never moves.",
            where=str(found.ref),
            expected=f"{REVISION}={expected[REVISION]}, {INPUTS}={expected[INPUTS]}",
            got=", ".join(f"{key}={value}" for key, value in sorted(found.labels.items()))
            or "an image without Shipway's labels",
            untouched="the registry, the ops repository and the cluster",
            remedy="find out who pushed it; delete the tag if it is wrong, then release again",
        )
    return found.ref
