"""The image, and the number of pods, in a kustomization.yaml."""

from __future__ import annotations

from yaml.nodes import MappingNode, ScalarNode

from shipway.manifests.image import ImageParts, part
from shipway.manifests.scalar import INTEGER
from shipway.manifests.source import Source, fields, items_of, lines_of


def image_of_kustomization(source: Source, name: str, _title: str = "") -> ImageParts:
    """The entry of `images:` for the image called `name` in the base.

    A `tagSuffix` beside the newTag or the digest that a release sets has no effect: kustomize adds
    it to the base's own tag only.

    Raises:
        RefuseError: There is no such entry, or there are two.
    """
    entry = _entry(source, "images", name)
    return ImageParts(
        at=entry,
        registry=None,
        repository=part(source, entry, "newName"),
        tag=part(source, entry, "newTag"),
        digest=part(source, entry, "digest"),
        tag_key="newTag",
        fixed=name,
    )


def count_of_kustomization(source: Source, name: str) -> ScalarNode:
    """The number of pods in the entry of `replicas:` for the workload called `name`.

    Raises:
        RefuseError: There is no such entry, or there are two; or it has no number.
    """
    entry = _entry(source, "replicas", name)
    count = part(source, entry, "count")
    if count is None or count.tag != INTEGER:
        got = count.value if count else "none"
        raise source.refuse(entry, f"No number of pods of {name}.", "`count` with a number", got)
    return count


def _entry(source: Source, key: str, name: str) -> MappingNode:
    """The entry with a name in a list of the kustomization."""
    entries = [
        entry
        for entry in items_of(source, key)
        if isinstance(entry, MappingNode)
        and getattr(fields(entry).get("name"), "value", None) == name
    ]
    if len(entries) != 1:
        what = f"No single entry {name!r} in {key!r}."
        raise source.refuse(None, what, f"one item with name: {name}", lines_of(entries))
    return entries[0]
