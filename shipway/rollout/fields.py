"""Places in an app's folder: what stands there, and the files with something else there."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.config.rollout import Rollout
from shipway.errors import RefuseError
from shipway.git.ops_folder import OpsFolder
from shipway.image_ref import ImageRef, without_tag
from shipway.manifests import field_at, image_at, set_field, set_image
from shipway.strategies.step import Edit, FieldRef, Value


def image_places(rollout: Rollout, wanted: OpsFolder) -> tuple[FieldRef, ...]:
    """Where the images stand that a release may set.

    Raises:
        RefuseError: rollout.yaml names a file that is not there.
    """
    found: list[FieldRef] = []
    for field in rollout.images:
        if field.file not in wanted.files:
            raise RefuseError(
                "rollout.yaml names a file that is not there.",
                where=f"{wanted.folder}/rollout.yaml",
                expected=f"a file {field.file!r} beside it",
                got=", ".join(sorted(wanted.files)),
                untouched="everything: nothing was built, pushed or committed",
            )
        kind, name = field.kind_and_name
        found.append(FieldRef(file=field.file, kind=kind, name=name))
    return tuple(found)


def value_at(wanted: OpsFolder, place: FieldRef) -> Value:
    """What stands there; an image without its tag, where it has a digest.

    Raises:
        RefuseError: Nothing stands there, or no single value.
    """
    content, path = wanted.files[place.file], f"{wanted.folder}/{place.file}"
    if place.kind == "field":
        return field_at(content, place.title, place.name, path)
    return without_tag(image_at(content, place.kind, place.name, path))


def changed_files(wanted: OpsFolder, edits: Sequence[Edit], tag: str) -> dict[str, bytes | None]:
    """The files that edits change, by path in the repository; no file that stays as it was.

    Args:
        wanted: The folder.
        edits: What to set.
        tag: The image's tag, for files that hold one beside the digest.
    """
    edited: dict[str, bytes] = {}
    for edit in edits:
        place = edit.field
        before, path = (
            edited.get(place.file, wanted.files[place.file]),
            f"{wanted.folder}/{place.file}",
        )
        if place.kind == "field":
            edited[place.file] = set_field(before, place.title, place.name, edit.value, path)
        else:
            image = ImageRef.parse(str(edit.value)).model_copy(update={"tag": tag})
            edited[place.file] = set_image(before, place.kind, place.name, image, path)
    return {
        f"{wanted.folder}/{name}": content
        for name, content in edited.items()
        if content != wanted.files[name]
    }
