"""The image of a container, in a manifest of any workload kind."""

from __future__ import annotations

from yaml.nodes import Node, ScalarNode, SequenceNode

from shipway.manifests.image import WholeImage
from shipway.manifests.source import (
    Source,
    fields,
    lines_of,
    object_of,
    object_remedy,
    objects_of,
    walk,
)

_LISTS = {"containers", "initContainers", "ephemeralContainers"}


def image_of_container(source: Source, name: str, title: str) -> WholeImage:
    """The image field of the one container (or initContainer) called `name`.

    Args:
        source: The file.
        name: Of the container.
        title: Kind and name of the object that has it; empty where the file has only one.

    Raises:
        RefuseError: There is no such object, no such container with an image of its own, or there
            are two.
    """
    roots = [object_of(source, title)] if title else source.documents
    images = _images(roots, name)
    if len(images) == 1:
        return WholeImage(images[0])
    remedy = None
    if not title and images:
        remedy = object_remedy(
            [title for title, root in objects_of(source) if _images([root], name)]
        )
    of = f" of {title}" if title else ""
    what = f"No single container {name!r}{of} with an image."
    raise source.refuse(None, what, "exactly one", lines_of(images), remedy)


def _images(roots: list[Node] | tuple[Node, ...], name: str) -> list[ScalarNode]:
    images: list[ScalarNode] = []
    for path, node in walk(roots):
        if not (isinstance(node, SequenceNode) and path and path[-1] in _LISTS):
            continue
        for item in node.value:
            label, image = (fields(item).get(key) for key in ("name", "image"))
            named = isinstance(label, ScalarNode) and label.value == name
            if named and isinstance(image, ScalarNode):
                images.append(image)
    return images
