"""The image in a Helm chart's values, in the shapes that charts use."""

from __future__ import annotations

from yaml.nodes import MappingNode, Node, ScalarNode

from shipway.documents.yaml_text import NULL
from shipway.manifests.image import ImageField, ImageParts, WholeImage, part
from shipway.manifests.pointer import nodes_to, root_of
from shipway.manifests.source import Source, fields, object_of


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
    *above, node = nodes_to(source, pointer, root)
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
        override=_global_registry(above),
    )


def _global_registry(above: list[Node]) -> ScalarNode | None:
    """What charts take instead of the registry of every image, those of charts below too.

    Args:
        above: The mappings around the image, the outermost first: that one wins, as in Helm.
    """
    for node in above:
        top = fields(fields(node).get("global"))
        for registry in (top.get("imageRegistry"), fields(top.get("image")).get("registry")):
            if isinstance(registry, ScalarNode) and registry.value and registry.tag != NULL:
                return registry
    return None
