"""A field of a YAML file as a JSON Pointer (RFC 6901), such as `/spec/replicas`."""

from __future__ import annotations

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from shipway.manifests.source import (
    Source,
    fields,
    is_list,
    lines_of,
    object_remedy,
    objects_of,
    title_of,
)

_NO_PLACE = "Not a place in this file."
_LIKE = "a path like /spec/replicas"


def root_of(source: Source, pointer: str) -> Node:
    """The one document or object in a list in which a pointer leads somewhere.

    The only document of a file is it in any case.

    Raises:
        RefuseError: It leads nowhere in all of them, or somewhere in several.
    """
    objects = objects_of(source)
    lists = [(title_of(root), root) for root in source.documents if is_list(root)]
    roots = [*lists, *objects]
    if not roots:
        raise source.refuse(None, _NO_PLACE, _LIKE, "document 0")
    if len(roots) == 1 or not pointer.startswith("/"):
        return roots[0][1]
    leading = [(title, root) for title, root in roots if _leads(root, pointer)]
    nodes, titles = [root for _, root in leading], [title for title, _ in leading or roots]
    if len(nodes) == 1:
        return nodes[0]
    if not nodes:
        got = ", ".join(filter(None, titles)) or f"{len(roots)} documents without it"
        raise source.refuse(None, f"There is no {pointer!r}.", "one document that has it", got)
    what = f"{pointer!r} stands in several documents."
    raise source.refuse(nodes[1], what, "exactly one", lines_of(nodes), object_remedy(titles))


def nodes_to(source: Source, pointer: str, root: Node) -> list[Node]:
    """The nodes on the way to where the pointer leads: `root` first, what it leads to last.

    Args:
        source: The file.
        pointer: Keys and positions after a slash each; `~1` is a slash, `~0` a tilde.
        root: The document or object that it begins at.

    Raises:
        RefuseError: It leads nowhere; with the last step that was there.
    """
    if not pointer.startswith("/"):
        raise source.refuse(None, _NO_PLACE, _LIKE, pointer)
    nodes = [root]
    for key in _keys(pointer):
        there = below(nodes[-1])
        if key not in there:
            expected = f"one of {', '.join(there) or 'nothing: it has no fields'}"
            raise source.refuse(nodes[-1], f"There is no {pointer!r}.", expected, repr(key))
        nodes.append(there[key])
    return nodes


def scalar_at(source: Source, pointer: str, root: Node) -> ScalarNode:
    """The scalar that the pointer leads to.

    Raises:
        RefuseError: It leads nowhere, or to a list or a mapping.
    """
    node = nodes_to(source, pointer, root)[-1]
    if isinstance(node, ScalarNode):
        return node
    raise source.refuse(
        node, f"{pointer!r} is no single value.", "text or a number", "a list or mapping"
    )


def holder_without(source: Source, pointer: str, root: Node) -> MappingNode | None:
    """The mapping that lacks the field that the pointer leads to; None where it may have it.

    What a mapping takes from another one (`<<`) is not looked into.

    Raises:
        RefuseError: There is no such mapping.
    """
    above, _, key = pointer.rpartition("/")
    holder = nodes_to(source, above, root)[-1]
    if not isinstance(holder, MappingNode) or not {key, "<<"}.isdisjoint(fields(holder)):
        return None
    return holder


def _keys(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]


def _leads(root: Node, pointer: str) -> bool:
    node = root
    for key in _keys(pointer):
        there = below(node)
        if key not in there:
            return False
        node = there[key]
    return True


def below(node: Node) -> dict[str, Node]:
    """The nodes directly below, by key or position."""
    if isinstance(node, SequenceNode):
        return {str(position): item for position, item in enumerate(node.value)}
    return fields(node)
