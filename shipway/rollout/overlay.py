"""An overlay of Kustomize as its own folder says it: what a strategy may read and set there.

Only rendering tells whether it is so: see `rendered_steps`.
"""

from __future__ import annotations

from collections.abc import Sequence

from shipway.config.rollout import Rollout
from shipway.errors import RefuseError
from shipway.git.ops_folder import OpsFolder
from shipway.kubernetes.objects import KubeObject, images_of, read_objects
from shipway.manifests.overlay import Overlay, read_overlay
from shipway.strategies.app_folder import UNTOUCHED
from shipway.strategies.step import FieldRef


def overlay_of(rollout: Rollout, folder: OpsFolder) -> Overlay | None:
    """What a kustomization takes from the folder, where the strategy sets fields of objects.

    Raises:
        RefuseError: There is no kustomization, or it is not YAML.
    """
    if rollout.render is None or rollout.settings.allows_rendered:
        return None
    return read_overlay(folder.files, folder.path)


def parts_of(folder: OpsFolder, overlay: Overlay) -> list[KubeObject]:
    """The objects of the folder, whole ones and patches; an object may stand there twice.

    Raises:
        RefuseError: A file has something else in it.
    """
    return [
        part
        for name in overlay.manifests
        for part in read_objects({name: folder.files[name]}, folder.path)
    ]


def image_with_object(image: FieldRef, parts: Sequence[KubeObject], folder: OpsFolder) -> FieldRef:
    """An entry of `images:` with the object whose image it sets, where the folder says so.

    Args:
        image: The image; any other than an entry stays as it is.
        parts: The objects of the folder.
        folder: The folder.

    Raises:
        RefuseError: It sets the images of several objects, so that none of them changes alone.
    """
    if image.kind != "kustomize":
        return image
    titles = dict.fromkeys(
        part.title
        for part in parts
        if any(image.sets(name, text) for name, text in images_of(part).items())
    )
    if len(titles) > 1:
        raise RefuseError(
            f"The entry {image.name!r} of `images:` sets the images of several objects.",
            where=f"{folder.path}/{image.file}",
            expected="an entry for each, so that one can change without the others",
            got=", ".join(titles),
            untouched=UNTOUCHED,
            remedy=f"call the image {image.name}-blue in one manifest and {image.name}-green in "
            "the other, say, with an entry of each name",
        )
    return image.model_copy(update={"title": next(iter(titles), "")})
