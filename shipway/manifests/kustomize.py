"""The image in a kustomization.yaml."""

from __future__ import annotations

from yaml.nodes import MappingNode, SequenceNode

from shipway.manifests.image import ImageParts, part
from shipway.manifests.source import Source, fields


def image_of_kustomization(source: Source, name: str, _title: str = "") -> ImageParts:
    """The entry of `images:` for the image called `name` in the base.

    A `tagSuffix` beside the newTag or the digest that a release sets has no effect: kustomize adds
    it to the base's own tag only.

    Raises:
        RefuseError: There is no such entry, or there are two.
    """
    entry = _image_entry(source, name)
    return ImageParts(
        at=entry,
        registry=None,
        repository=part(source, entry, "newName"),
        tag=part(source, entry, "newTag"),
        digest=part(source, entry, "digest"),
        tag_key="newTag",
        fixed=name,
    )


def _image_entry(source: Source, name: str) -> MappingNode:
    """The entry of `images:` with a name."""
    lists = [fields(root).get("images") for root in source.documents]
    entries = [
        entry
        for images in lists
        if isinstance(images, SequenceNode)
        for entry in images.value
        if isinstance(entry, MappingNode)
        and getattr(fields(entry).get("name"), "value", None) == name
    ]
    if len(entries) != 1:
        got = ", ".join(f"line {entry.start_mark.line + 1}" for entry in entries) or "none"
        what = f"No single entry {name!r} in 'images'."
        raise source.refuse(None, what, f"one item with name: {name}", got)
    return entries[0]
