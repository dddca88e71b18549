"""A field of a YAML file as a JSON Pointer (RFC 6901), such as `/spec/replicas`."""

from __future__ import annotations

from yaml.nodes import Node, ScalarNode, SequenceNode

from shipway.manifests.source import Source, fields


def node_at(source: Source, pointer: str, document: int = 0) -> Node:
    """The node that the pointer leads to.

    Args:
        source: The file.
        pointer: Keys and positions after a slash each; `~1` is a slash, `~0` a tilde.
        document: Which document of the file, from 0.

    Raises:
        RefuseError: It leads nowhere; with the last step that was there.
    """
    if not pointer.startswith("/") or document >= len(source.documents):
        got = pointer if document < len(source.documents) else f"document {document}"
        raise source.refuse(None, "Not a place in this file.", "a path like /spec/replicas", got)
    node = source.documents[document]
    for step in pointer[1:].split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        below = _below(node)
        if key not in below:
            expected = f"one of {', '.join(below) or 'nothing: it has no fields'}"
            raise source.refuse(node, f"There is no {pointer!r}.", expected, repr(key))
        node = below[key]
    return node


def scalar_at(source: Source, pointer: str, document: int = 0) -> ScalarNode:
    """The scalar that the pointer leads to.

    Raises:
        RefuseError: It leads nowhere, or to a list or a mapping.
    """
    node = node_at(source, pointer, document)
    if isinstance(node, ScalarNode):
        return node
    raise source.refuse(
        node, f"{pointer!r} is no single value.", "text or a number", "a list or mapping"
    )


def _below(node: Node) -> dict[str, Node]:
    """The nodes directly below, by key or position."""
    if isinstance(node, SequenceNode):
        return {str(position): item for position, item in enumerate(node.value)}
    return fields(node)
