"""Set one scalar of a YAML file and leave every other byte as it is.

PyYAML's nodes carry the character span of each scalar. Splicing that span keeps comments, quotes,
indentation, line ends and key order, which a load-and-dump would not (yq#1248, kustomize#4481).
Each edit is proved: the result is parsed again and must equal the old values with one changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from blocks.errors import Refuse
from blocks.yaml_text import TEMPLATE, compose, decode

_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*\s+(?:#[^\n]*\n\s*)*)+")
_SAFE_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9./_@:-]*[A-Za-z0-9]")
UNTOUCHED = "the file and the ops repository"

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Edit:
    """What an edit did: the new bytes of the file, and the value before and after."""

    content: bytes
    line: int
    before: str
    after: str

    @property
    def changed(self) -> bool:
        """Whether there is anything to commit."""
        return self.before != self.after


@dataclass(frozen=True)
class _Found:
    document: int
    path: Path
    node: ScalarNode


def set_image(content: bytes, container: str, image: str, file: str) -> Edit:
    """Set the image of the one container (or initContainer) called `container`.

    Args:
        content: The file, UTF-8, one or several YAML documents.
        container: Name of the container.
        image: The new value.
        file: The name that errors show.

    Raises:
        Refuse: Not UTF-8 YAML, a template, no such container or two of them, or an image field
            that cannot be replaced without touching anything else.
    """
    if not _SAFE_VALUE.fullmatch(image):
        raise _refuse(file, None, "The new value cannot stand unquoted in YAML.", "an image", image)
    text = decode(content, file, UNTOUCHED)
    documents = compose(text, file, UNTOUCHED)
    found = list(_containers(documents, container))
    if len(found) != 1:
        lines = ", ".join(f"line {one.node.start_mark.line + 1}" for one in found) or "none"
        raise _refuse(
            file, None, f"No single container {container!r}.", "exactly one with an image", lines
        )
    return _replace(text, documents, found[0], image, file)


def images_of(content: bytes, container: str, file: str) -> list[str]:
    """The image of every container called `container`, in file order.

    Raises:
        Refuse: The file is not UTF-8 YAML.
    """
    documents = compose(decode(content, file, UNTOUCHED), file, UNTOUCHED)
    return [found.node.value for found in _containers(documents, container)]


def _refuse(
    file: str, line: int | None, what: str, expected: str | None, got: str | None
) -> Refuse:
    where = f"{file}:{line}" if line else file
    return Refuse(what, where=where, expected=expected, got=got, untouched=UNTOUCHED)


def _containers(documents: list[Node], name: str) -> Iterator[_Found]:
    """Every image scalar of a container called `name`, whatever kind of workload holds it."""
    for index, document in enumerate(documents):
        for path, node in _walk(document, (), frozenset()):
            if not (isinstance(node, SequenceNode) and path[-1:] in _CONTAINER_LISTS):
                continue
            for position, item in enumerate(node.value):
                fields = _fields(item)
                label, image = fields.get("name"), fields.get("image")
                if not (isinstance(label, ScalarNode) and isinstance(image, ScalarNode)):
                    continue
                if label.value == name:
                    yield _Found(index, (*path, position, "image"), image)


_CONTAINER_LISTS = {("containers",), ("initContainers",)}


def _walk(node: Node, path: Path, above: frozenset[int]) -> Iterator[tuple[Path, Node]]:
    if id(node) in above:
        return
    yield path, node
    inside = above | {id(node)}
    if isinstance(node, MappingNode):
        for key, value in node.value:
            yield from _walk(value, (*path, str(key.value)), inside)
    elif isinstance(node, SequenceNode):
        for position, value in enumerate(node.value):
            yield from _walk(value, (*path, position), inside)


def _fields(node: Node) -> dict[str, Node]:
    if not isinstance(node, MappingNode):
        return {}
    return {str(key.value): value for key, value in node.value}


def _replace(text: str, documents: list[Node], found: _Found, value: str, file: str) -> Edit:
    node = found.node
    line = node.start_mark.line + 1
    if TEMPLATE.search(node.value):
        raise _refuse(file, line, "The value is a template.", "a plain value", node.value)
    if node.style in {"|", ">"}:
        raise _refuse(file, line, "The value is a block scalar.", "one line", f"style {node.style}")
    start, end = node.start_mark.index, node.end_mark.index
    properties = _PROPERTIES.match(text, start, end)
    start = properties.end() if properties else start
    quote = node.style or ""
    edited = f"{text[:start]}{quote}{value}{quote}{text[end:]}"
    if start == end or _values(compose(edited, file, UNTOUCHED)) != _with(
        _values(documents), found, value
    ):
        raise _refuse(
            file,
            line,
            "The value cannot be replaced alone.",
            "a scalar of its own",
            "an anchor that other fields share, or a value that the parser reads in another way"
            if node.value
            else "no value",
        )
    return Edit(edited.encode("utf-8"), line, node.value, value)


def _values(documents: list[Node]) -> list[Any]:
    """Plain values; scalars as their text, so that `1.10` is not the number it looks like."""
    return [_value(document, frozenset()) for document in documents]


def _value(node: Node, above: frozenset[int]) -> Any:
    if id(node) in above:
        return "an anchor that holds itself"
    inside = above | {id(node)}
    if isinstance(node, MappingNode):
        return [(_value(key, inside), _value(value, inside)) for key, value in node.value]
    if isinstance(node, SequenceNode):
        return [_value(item, inside) for item in node.value]
    return (node.tag, node.value)


def _with(values: list[Any], found: _Found, value: str) -> list[Any]:
    def changed(current: Any, path: Path) -> Any:
        if not path:
            return ("tag:yaml.org,2002:str", value)
        head, *rest = path
        if isinstance(head, int):
            return [
                changed(item, tuple(rest)) if position == head else item
                for position, item in enumerate(current)
            ]
        return [
            (key, changed(item, tuple(rest)) if key[1] == head else item) for key, item in current
        ]

    return [
        changed(document, found.path) if index == found.document else document
        for index, document in enumerate(values)
    ]
