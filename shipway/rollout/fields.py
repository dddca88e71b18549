"""Fields of an app's folder: what they say, and the files with something else in them."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.config.rollout import Rollout
from shipway.documents.yaml_text import REMEDY
from shipway.errors import RefuseError
from shipway.git.ops_folder import OpsFolder
from shipway.image_ref import ImageRef, without_tag
from shipway.manifests import count_at, field_at, image_at, set_count, set_field, set_image
from shipway.strategies.step import Edit, FieldRef, Value


def image_fields(rollout: Rollout, folder: OpsFolder) -> tuple[FieldRef, ...]:
    """Where the images stand that a release may set.

    Raises:
        RefuseError: rollout.yaml names a file that is not there.
    """
    fields: list[FieldRef] = []
    for image in rollout.images:
        if image.file not in folder.files:
            raise RefuseError(
                "rollout.yaml names a file that is not there.",
                where=f"{folder.path}/rollout.yaml",
                expected=f"a file {image.file!r} beside it",
                got=", ".join(sorted(folder.files)),
                untouched="everything: nothing was built, pushed or committed",
                remedy=REMEDY,
            )
        kind, name = image.kind_and_name
        title = image.object or ""
        fields.append(FieldRef(file=image.file, kind=kind, name=name, title=title, add=image.add))
    return tuple(fields)


def value_at(folder: OpsFolder, field: FieldRef) -> Value:
    """What a field says; an image without its tag, where it has a digest.

    Raises:
        RefuseError: Nothing stands there, or no single value.
    """
    content, path = folder.files[field.file], f"{folder.path}/{field.file}"
    if field.kind == "field":
        return field_at(content, field.title, field.name, path, field.default)
    if field.kind == "replicas":
        return count_at(content, _name_in(field), path)
    return without_tag(image_at(content, field.kind, field.name, path, field.title))


def changed_files(folder: OpsFolder, edits: Sequence[Edit], tag: str) -> dict[str, bytes]:
    """The files that edits change, by path in the repository; no file that stays as it was.

    Args:
        folder: The folder.
        edits: What to set.
        tag: The image's tag, for files that hold one beside the digest.
    """
    edited: dict[str, bytes] = {}
    for edit in edits:
        field = edit.field
        before = edited.get(field.file, folder.files[field.file])
        path = f"{folder.path}/{field.file}"
        if field.kind == "field":
            add = field.default is not None
            edited[field.file] = set_field(
                before, field.title, field.name, edit.value, path, add=add
            )
        elif field.kind == "replicas":
            edited[field.file] = set_count(before, _name_in(field), edit.value, path)
        else:
            image = ImageRef.parse(str(edit.value)).model_copy(update={"tag": tag})
            edited[field.file] = set_image(
                before, field.kind, field.name, image, path, field.title, field.add
            )
    return {
        f"{folder.path}/{name}": content
        for name, content in edited.items()
        if content != folder.files[name]
    }


def _name_in(field: FieldRef) -> str:
    """The name of the object that has a field."""
    return field.title.partition("/")[2]
