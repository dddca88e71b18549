"""The image of a container, in a manifest of any workload kind."""

from __future__ import annotations

from yaml.nodes import ScalarNode, SequenceNode

from shipway.manifests.image import WholeImage
from shipway.manifests.source import Source, fields, only, walk

_LISTS = {"containers", "initContainers", "ephemeralContainers"}


def image_of_container(source: Source, name: str) -> WholeImage:
    """The image field of the one container (or initContainer) called `name`.

    Raises:
        RefuseError: There is no such container with an image of its own, or there are two.
    """
    images: list[ScalarNode] = []
    for path, node in walk(source):
        if not (isinstance(node, SequenceNode) and path and path[-1] in _LISTS):
            continue
        for item in node.value:
            label, image = (fields(item).get(key) for key in ("name", "image"))
            named = isinstance(label, ScalarNode) and label.value == name
            if named and isinstance(image, ScalarNode):
                images.append(image)
    return WholeImage(only(source, images, f"container {name!r} with an image"))
