"""Set scalars of a YAML file and leave every other byte as it is.

The parser's marks give the character span of each scalar. Splicing that span keeps comments,
quotes, indentation, line ends and key order, which a load-and-dump would not (yq#1248,
kustomize#4481). Each edit is proved: the result is parsed again, and walked side by side with what
was there before.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from shipway.documents.yaml_text import TEMPLATE, compose, reads_as_text
from shipway.errors import RefuseError
from shipway.manifests.source import UNTOUCHED, Source

Value = str | int
# A scalar and its new value.
ScalarChange = tuple[ScalarNode, Value]

_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*\s+(?:#[^\n]*\n\s*)*)+")
_SAFE = re.compile(r"[A-Za-z0-9_.+~](?:[A-Za-z0-9./_@:,+~-]*[A-Za-z0-9_.+~-])?")
_STR, INTEGER = "tag:yaml.org,2002:str", "tag:yaml.org,2002:int"


def replace(source: Source, changes: Sequence[ScalarChange]) -> bytes:
    """The file with other values in some scalars; the same bytes where nothing changes.

    Args:
        source: The file as read.
        changes: Scalars of `source` and their new values: text, or a number.

    Raises:
        RefuseError: A scalar is a template, has no bytes of its own, or is shared through an alias;
            or the new value cannot be written without touching anything else.
    """
    text, end = "", 0
    new_values = {
        id(node): value
        for node, value in changes
        if node.value != str(value) or _needs_quotes(source, node, value)
    }
    ordered = sorted(changes, key=lambda change: change[0].start_mark.index)
    for node, value in ordered:
        if id(node) not in new_values:
            continue
        _refuse_shared(source, node)
        start, stop, written = _written(source, node, value)
        text += source.text[end:start] + written
        end = stop
    text += source.text[end:]
    if new_values:
        _prove(source, text, new_values, ordered[0][0])
    return (source.bom + text).encode("utf-8")


def _written(source: Source, node: ScalarNode, value: Value) -> tuple[int, int, str]:
    """The span to replace, and by what."""
    new = str(value)
    if not _SAFE.fullmatch(new):
        expected = "letters, digits and ./_@:,+~-"
        raise source.refuse(node, "The new value needs more than one plain word.", expected, new)
    if TEMPLATE.search(node.value):
        raise source.refuse(node, "The value is a template.", "a plain value", node.value)
    start, end = node.start_mark.index, node.end_mark.index
    properties = _properties(source, node)
    start += len(properties)
    if start == end:
        raise source.refuse(node, "There is no value to replace.", "a value", "nothing")
    if node.style in {"|", ">"}:
        # A header as in `>-  # why` holds no value; the one line of text below it does.
        body = source.text.index("\n", start)
        first = source.text.find(node.value, body, end)
        if not node.value or "\n" in node.value or first < 0:
            expected = "one line, and no line end kept (|- or >-)"
            raise source.refuse(node, "The value is a block of lines.", expected, repr(node.value))
        return first, first + len(node.value), new
    quote = node.style or ""
    if _needs_quotes(source, node, value):
        quote = '"'
    return start, end, f"{quote}{new}{quote}"


def _needs_quotes(source: Source, node: ScalarNode, value: Value) -> bool:
    """Whether some reader would take a text for a number, say, where the scalar has no quotes."""
    if not isinstance(value, str) or node.style or reads_as_text(value):
        return False
    words = re.sub(r"#[^\n]*", "", _properties(source, node)).split()
    return not any(word.startswith("!") for word in words)


def _properties(source: Source, node: ScalarNode) -> str:
    """The anchor and the tag that a scalar begins with."""
    match = _PROPERTIES.match(source.text, node.start_mark.index, node.end_mark.index)
    return match[0] if match else ""


def _refuse_shared(source: Source, target: ScalarNode) -> None:
    """Refuse a scalar that is reached by several paths: other fields would change with it."""
    paths: dict[int, int] = {}

    def count(node: Node) -> int:
        if id(node) not in paths:
            below = sum(count(child) for child in _children(node))
            paths[id(node)] = below + (node is target)
        return paths[id(node)]

    if sum(count(root) for root in source.documents) != 1:
        raise source.refuse(
            target,
            "The value cannot change alone.",
            "a value of its own",
            "an anchor that other fields share through an alias",
        )


def _prove(source: Source, text: str, new_values: dict[int, Value], first: ScalarNode) -> None:
    """Refuse a result that differs from `source` in anything but the new values."""
    try:
        after = compose(text, source.file, UNTOUCHED)
    except RefuseError as error:
        raise source.refuse(first, "The edit would break the file.", None, error.what) from error
    pairs = list(zip(source.documents, after, strict=False))
    seen: set[tuple[int, int]] = set()
    same = len(source.documents) == len(after)
    while same and pairs:
        old, new = pairs.pop()
        if (id(old), id(new)) in seen:
            continue
        seen.add((id(old), id(new)))
        same = _same(old, new, new_values)
        pairs.extend(zip(_children(old), _children(new), strict=False))
    if not same:
        raise source.refuse(
            first,
            "The value cannot change alone.",
            "a file that differs in this value only",
            "a result that the parser reads in another way",
        )


def _same(old: Node, new: Node, new_values: dict[int, Value]) -> bool:
    """Whether a node is what it was, or what it was to become."""
    if isinstance(old, ScalarNode) and isinstance(new, ScalarNode):
        if (value := new_values.get(id(old))) is None:
            return (old.tag, old.value) == (new.tag, new.value)
        # A number in quotes stays what it was: text.
        tags = {_STR} if isinstance(value, str) else {INTEGER, old.tag}
        return new.tag in tags and new.value == str(value)
    alike = type(old) is type(new) and old.tag == new.tag
    return alike and len(_children(old)) == len(_children(new))


def _children(node: Node) -> list[Node]:
    """The nodes directly below; none below a scalar."""
    if isinstance(node, MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, SequenceNode) else []
