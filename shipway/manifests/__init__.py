"""Files of an ops repository as text: edits that change one value's bytes and nothing else.

A kind of file that can hold an image is one module with one function, and a line in `FINDERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from yaml.nodes import Node

from shipway.documents.yaml_text import NULL
from shipway.image_ref import ImageRef
from shipway.manifests.helm import image_of_values
from shipway.manifests.image import ImageField
from shipway.manifests.kustomize import count_of_kustomization, image_of_kustomization
from shipway.manifests.plain import image_of_container
from shipway.manifests.pointer import holder_without, scalar_at
from shipway.manifests.scalar import INTEGER, Addition, Value, replace
from shipway.manifests.source import Source, comment_at, object_of, read_source

__all__ = [
    "FINDERS",
    "Kind",
    "Value",
    "comments_at",
    "count_at",
    "field_at",
    "image_at",
    "set_count",
    "set_field",
    "set_image",
]

Kind = Literal["container", "kustomize", "helm"]

FINDERS: dict[Kind, Callable[[Source, str, str], ImageField]] = {
    "container": image_of_container,
    "kustomize": image_of_kustomization,
    "helm": image_of_values,
}


def image_at(content: bytes, kind: Kind, name: str, file: str, title: str = "") -> str:
    """The image as the file has it.

    Args:
        content: The file.
        kind: What kind of file it is.
        name: Of the container, of the entry in `images:`, or a JSON Pointer into the values.
        file: The name that errors show.
        title: Kind and name of the object that has it, such as `Deployment/web`; empty where the
            file has one that fits.

    Raises:
        RefuseError: The file is not YAML, or has no such image, or two.
    """
    return FINDERS[kind](read_source(content, file), name, title).text()


def comments_at(
    content: bytes, kind: Kind, name: str, file: str, title: str = ""
) -> list[tuple[int, str]]:
    """Line and text of each comment behind an image, or behind a part of it; see `image_at`."""
    source = read_source(content, file)
    nodes = FINDERS[kind](source, name, title).nodes
    found = [(node.end_mark.line + 1, comment_at(source, node)) for node in nodes]
    return [(line, comment) for line, comment in found if comment is not None]


def set_image(
    content: bytes,
    kind: Kind,
    name: str,
    image: ImageRef,
    file: str,
    title: str = "",
    add: str | None = None,
) -> bytes:
    """The file with another image; the same bytes where it has that image already.

    Args:
        content: The file.
        kind: What kind of file it is.
        name: Of the container, of the entry in `images:`, or a JSON Pointer into the values.
        image: The image, with its digest.
        file: The name that errors show.
        title: Kind and name of the object that has it, as in `image_at`.
        add: Key of the digest or the tag, to add it where the file has none.

    Raises:
        RefuseError: There is no such image, or it cannot be set without touching anything else.
    """
    source = read_source(content, file)
    return replace(source, FINDERS[kind](source, name, title).changes(source, image, add))


def field_at(
    content: bytes, title: str, pointer: str, file: str, default: Value | None = None
) -> Value:
    """The value of an object's field: a number where it is one, else text.

    Args:
        content: The file.
        title: Kind and name of the object, such as `Service/shop`.
        pointer: JSON Pointer into it.
        file: The name that errors show.
        default: The value where the object lacks the field; without one, it may not lack it.

    Raises:
        RefuseError: The file is not YAML, or has no such object or field; or the field is missing
            and cannot be added.
    """
    source = read_source(content, file)
    root = object_of(source, title)
    if default is not None and _lacks(source, pointer, root):
        # A release sets it later, when it is too late to be refused.
        set_field(content, title, pointer, default, file, add=True)
        return default
    node = scalar_at(source, pointer, root)
    return int(node.value) if node.tag == INTEGER else str(node.value)


def set_field(
    content: bytes, title: str, pointer: str, value: Value, file: str, *, add: bool = False
) -> bytes:
    """The file with another value in an object's field; see `field_at`.

    Args:
        content: The file.
        title: Kind and name of the object.
        pointer: JSON Pointer into it.
        value: The value.
        file: The name that errors show.
        add: Whether to add the field where the object lacks it.

    Raises:
        RefuseError: There is no such object or field, or it cannot be set or added alone.
    """
    source = read_source(content, file)
    root = object_of(source, title)
    holder = holder_without(source, pointer, root) if add else None
    if holder is not None:
        return replace(source, [Addition(holder, pointer.rpartition("/")[2], value)])
    return replace(source, [(scalar_at(source, pointer, root), value)])


def count_at(content: bytes, name: str, file: str) -> int:
    """The number of pods in `replicas:` of a kustomization.

    Args:
        content: The file.
        name: Of the workload.
        file: The name that errors show.

    Raises:
        RefuseError: The file is not YAML, or has no such number, or two.
    """
    return int(count_of_kustomization(read_source(content, file), name).value)


def set_count(content: bytes, name: str, count: Value, file: str) -> bytes:
    """The kustomization with another number of pods in `replicas:`; see `count_at`.

    Args:
        content: The file.
        name: Of the workload.
        count: The number.
        file: The name that errors show.

    Raises:
        RefuseError: There is no such number, or it cannot be set alone.
    """
    source = read_source(content, file)
    return replace(source, [(count_of_kustomization(source, name), count)])


def _lacks(source: Source, pointer: str, root: Node) -> bool:
    """Whether a field is missing, or null, which is the same to Kubernetes."""
    if holder_without(source, pointer, root) is not None:
        return True
    return scalar_at(source, pointer, root).tag == NULL
