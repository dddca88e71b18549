"""The image in a Helm chart's values, in the shapes that charts use."""

from __future__ import annotations

from yaml.nodes import MappingNode, ScalarNode

from shipway.manifests.image import ImageField, ImageParts, WholeImage, part
from shipway.manifests.pointer import nodes_to, root_of
from shipway.manifests.source import Source, object_of


def image_of_values(source: Source, pointer: str, title: str) -> ImageField:
    """The image at `pointer`: one string, or a mapping of registry, repository, tag, digest.

    Args:
        source: The file.
        pointer: Begins at the object, or at the one document that has it.
        title: Kind and name of the object that holds the values; empty for a file of values.

    Raises:
        RefuseError: The pointer leads nowhere, or to something that names no image.
    """
    root = object_of(source, title) if title else root_of(source, pointer)
    node = nodes_to(source, pointer, root)[-1]
    if isinstance(node, ScalarNode):
        return WholeImage(node)
    names = [name for name in ("repository", "name") if part(source, node, name)]
    if not isinstance(node, MappingNode) or len(names) != 1:
        expected = "text, or a mapping with either `repository` or `name`"
        raise source.refuse(node, f"{pointer!r} is no image.", expected, ", ".join(names) or None)
    return ImageParts(
        at=node,
        registry=part(source, node, "registry"),
        repository=part(source, node, names[0]),
        tag=part(source, node, "tag"),
        digest=part(source, node, "digest"),
    )
