"""The fields of a kustomization.yaml that a release sets."""

from __future__ import annotations

from yaml.nodes import Node, ScalarNode, SequenceNode

from shipway.manifests.image import ImageParts, part
from shipway.manifests.source import Source, fields


def image_of_kustomization(source: Source, name: str) -> ImageParts:
    """The entry of `images:` for the image called `name` in the base.

    Raises:
        RefuseError: There is no such entry, or there are two.
    """
    entry = _entry(source, "images", name)
    if suffix := part(source, entry, "tagSuffix"):
        got = f"tagSuffix: {suffix.value}"
        raise source.refuse(suffix, "The entry changes every tag.", "no tagSuffix", got)
    return ImageParts(
        at=entry,
        registry=None,
        repository=part(source, entry, "newName"),
        tag=part(source, entry, "newTag"),
        digest=part(source, entry, "digest"),
        fixed=name,
    )


def replicas_of_kustomization(source: Source, name: str) -> ScalarNode:
    """The count of the entry of `replicas:` for the workload called `name`.

    Raises:
        RefuseError: There is no such entry, there are two, or it has no count.
    """
    entry = _entry(source, "replicas", name)
    if count := part(source, entry, "count"):
        return count
    raise source.refuse(entry, f"The entry {name!r} has no count.", "a field `count`", "none")


def _entry(source: Source, key: str, name: str) -> Node:
    listed = [fields(root).get(key) for root in source.documents]
    entries = [
        entry
        for one in listed
        if isinstance(one, SequenceNode)
        for entry in one.value
        if getattr(fields(entry).get("name"), "value", None) == name
    ]
    if len(entries) != 1:
        got = ", ".join(f"line {entry.start_mark.line + 1}" for entry in entries) or "none"
        what = f"No single entry {name!r} in {key!r}."
        raise source.refuse(None, what, f"one item with name: {name}", got)
    return entries[0]
