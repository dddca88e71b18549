"""Files of an ops repository as text: edits that change one value's bytes and nothing else.

A kind of file that can hold an image is one module with one function, and a line in `FINDERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from shipway.image_ref import ImageRef
from shipway.manifests.helm import image_of_values
from shipway.manifests.image import ImageField
from shipway.manifests.kustomize import image_of_kustomization
from shipway.manifests.plain import image_of_container
from shipway.manifests.pointer import scalar_at
from shipway.manifests.scalar import INTEGER, Value, replace
from shipway.manifests.source import Source, object_of, read_source

__all__ = [
    "FINDERS",
    "Kind",
    "Value",
    "field_at",
    "image_at",
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


def field_at(content: bytes, title: str, pointer: str, file: str) -> Value:
    """The value of an object's field: a number where it is one, else text.

    Args:
        content: The file.
        title: Kind and name of the object, such as `Service/shop`.
        pointer: JSON Pointer into it.
        file: The name that errors show.

    Raises:
        RefuseError: The file is not YAML, or has no such object or field.
    """
    source = read_source(content, file)
    node = scalar_at(source, pointer, object_of(source, title))
    return int(node.value) if node.tag == INTEGER else str(node.value)


def set_field(content: bytes, title: str, pointer: str, value: Value, file: str) -> bytes:
    """The file with another value in an object's field; see `field_at`.

    Raises:
        RefuseError: There is no such object or field, or it cannot be set alone.
    """
    source = read_source(content, file)
    return replace(source, [(scalar_at(source, pointer, object_of(source, title)), value)])
