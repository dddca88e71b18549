"""Set scalars of a YAML file and leave every other byte as it is.

The parser's marks give the character span of each scalar. Splicing that span keeps comments,
quotes, indentation, line ends and key order, which a load-and-dump would not (yq#1248,
kustomize#4481). Each edit is proved: the result is parsed again, and walked side by side with what
was there before.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from shipway.documents.yaml_text import TEMPLATE, compose, reads_as_text
from shipway.errors import RefuseError
from shipway.manifests.source import UNTOUCHED, Source

Value = str | int


@dataclass(frozen=True)
class Addition:
    """A field that a mapping has not: its key and its value.

    Args:
        mapping: The mapping.
        key: The new field's.
        value: The new field's.
        after: The fields that it may stand behind; behind the last of those that are there.
            Where none is named, it stands before all others.
    """

    mapping: MappingNode
    key: str
    value: Value
    after: tuple[str, ...] = ()


Change = tuple[ScalarNode, Value] | Addition
# Start and end of the characters to replace, and by what.
_Splice = tuple[int, int, str]

_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*\s+(?:#[^\n]*\n\s*)*)+")
# Lines of comments, and empty ones.
_COMMENTS = re.compile(r"(?:(?:(?<=\n)|(?<=\r)(?!\n))[ \t]*(?:#[^\r\n]*)?(?:\r\n|\n|\r))+\Z")
_SAFE = re.compile(r"[A-Za-z0-9_.+~](?:[A-Za-z0-9./_@:+~-]*[A-Za-z0-9_.+~-])?")
# What may stand behind a value on its line: a comma in flow style, and a comment.
_REST = re.compile(r"[ \t]*(,?)[ \t]*(?:(?<=[ \t,])#[^\r\n]*)?(\r\n|\n|\r|\Z)")
_STR, INTEGER = "tag:yaml.org,2002:str", "tag:yaml.org,2002:int"


def replace(source: Source, changes: Sequence[Change]) -> bytes:
    """The file with other values in some scalars; the same bytes where nothing changes.

    Args:
        source: The file as read.
        changes: Scalars of `source` and their new values, text or a number; and fields to add.

    Raises:
        RefuseError: A scalar is a template, has no bytes of its own, or is shared through an alias;
            or the new value cannot be written without touching anything else.
    """
    additions = [change for change in changes if isinstance(change, Addition)]
    pending = [
        (node, value)
        for node, value in (change for change in changes if not isinstance(change, Addition))
        if node.value != str(value) or _needs_quotes(source, node, value)
    ]
    nodes = [*(node for node, _ in pending), *(addition.mapping for addition in additions)]
    for node in nodes:
        _refuse_shared(source, node)
    splices = [_written(source, node, value) for node, value in pending]
    splices += [splice for addition in additions for splice in _added(source, addition)]
    text, end = "", 0
    for start, stop, written in sorted(splices):
        text += source.text[end:start] + written
        end = stop
    text += source.text[end:]
    if nodes:
        first = min(nodes, key=lambda node: node.start_mark.index)
        new_values = {id(node): value for node, value in pending}
        added = {id(addition.mapping): addition for addition in additions}
        _prove(source, text, new_values, added, first)
    return (source.bom + text).encode("utf-8")


def _added(source: Source, addition: Addition) -> list[_Splice]:
    """What writes a field on a line of its own, or in the line where the mapping is in one."""
    if not addition.after:
        return [_added_first(source, addition)]
    key, node = _field_before(source, addition)
    text, begin, end = source.text, key.start_mark.index, node.end_mark.index
    field, colon = _field_like(source, addition, key, node)
    rest = _REST.match(text, end)
    lead = _lead(text, begin)
    if not addition.mapping.flow_style:
        if rest is None:
            raise _cannot_add(source, addition)
        line = " " * key.start_mark.column + field
        if rest[2]:
            return [(rest.end(), rest.end(), line + rest[2])]
        return [(rest.end(), rest.end(), _line_end(text) + line)]
    if lead.strip(" \t") or rest is None or not rest[2]:
        return [(end, end, f",{colon[1:]}{field}")]
    below = (rest.end(), rest.end(), f"{lead}{field}{rest[1]}{rest[2]}")
    return [below] if rest[1] else [(end, end, ","), below]


def _added_first(source: Source, addition: Addition) -> _Splice:
    """What writes a field before all others, and before the comments on the first of them."""
    if not addition.mapping.value:
        raise _cannot_add(source, addition)
    key, node = addition.mapping.value[0]
    text, begin = source.text, key.start_mark.index
    field, colon = _field_like(source, addition, key, node)
    lead = _lead(text, begin)
    if lead.strip(" \t"):
        if not addition.mapping.flow_style:
            raise _cannot_add(source, addition)
        return begin, begin, f"{field},{colon[1:]}"
    comma = "," if addition.mapping.flow_style else ""
    above = _COMMENTS.search(text, 0, begin - len(lead))
    start = above.start() if above else begin - len(lead)
    return start, start, f"{lead}{field}{comma}{_line_end(text)}"


def _field_like(source: Source, addition: Addition, key: Node, node: Node) -> tuple[str, str]:
    """A field as the one beside it is written, and the colon in it."""
    quoted = isinstance(key, ScalarNode) and key.style == '"'
    label = f'"{addition.key}"' if quoted else addition.key
    text = isinstance(addition.value, str) and (quoted or not reads_as_text(addition.value))
    quote = '"' if text else ""
    # JSON needs no space behind a colon; what else there is does.
    between = source.text[key.end_mark.index : node.start_mark.index]
    colon = ":" if between == ":" else ": "
    return f"{label}{colon}{quote}{addition.value}{quote}", colon


def _lead(text: str, begin: int) -> str:
    """What stands before a position on its line."""
    return text[max(text.rfind("\n", 0, begin), text.rfind("\r", 0, begin)) + 1 : begin]


def _field_before(source: Source, addition: Addition) -> tuple[ScalarNode, ScalarNode]:
    """The last of the fields that the new one may stand behind; its value ends where it says."""
    for key, node in reversed(addition.mapping.value):
        if not (isinstance(key, ScalarNode) and isinstance(node, ScalarNode)):
            continue
        # An alias bears the marks of its anchor, and a block's end is where the next thing begins.
        plain = node.style not in {"|", ">"} and key.end_mark.index < node.start_mark.index
        if key.value in addition.after and plain and node.start_mark.index < node.end_mark.index:
            return key, node
    raise _cannot_add(source, addition)


def _cannot_add(source: Source, addition: Addition) -> RefuseError:
    expected, got = "a field that begins its line", "none that does"
    if addition.after:
        expected = f"one of {', '.join(addition.after)} with its value in one line"
        got = "none that ends its line"
    return source.refuse(
        addition.mapping,
        f"The field {addition.key!r} cannot be added.",
        expected,
        got,
        f"add {addition.key!r} by hand; from then on its value is set",
    )


def _line_end(text: str) -> str:
    """The line end that a text has; a line feed for a text of one line."""
    match = re.search(r"\r\n|\n|\r", text)
    return match[0] if match else "\n"


def _written(source: Source, node: ScalarNode, value: Value) -> _Splice:
    """The span to replace, and by what."""
    new = str(value)
    if not _SAFE.fullmatch(new):
        expected = "letters, digits and ./_@:+~-"
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


def _refuse_shared(source: Source, target: Node) -> None:
    """Refuse a node that is reached by several paths: other fields would change with it."""
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


def _prove(
    source: Source,
    text: str,
    new_values: dict[int, Value],
    added: dict[int, Addition],
    first: Node,
) -> None:
    """Refuse a result that differs from `source` in anything but the new values and fields."""
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
        below = _children(new)
        if (addition := added.get(id(old))) is not None:
            same, below = _without(new, addition)
        same = same and _same(old, new, below, new_values)
        pairs.extend(zip(_children(old), below, strict=False))
    if not same:
        raise source.refuse(
            first,
            "The value cannot change alone.",
            "a file that differs in this value only",
            "a result that the parser reads in another way",
        )


def _without(new: Node, addition: Addition) -> tuple[bool, list[Node]]:
    """Whether a mapping has the added field once, as it was given; and all of it but that."""
    fields = new.value if isinstance(new, MappingNode) else []
    added = [node for key, node in fields if key.value == addition.key]
    others = [part for pair in fields if pair[0].value != addition.key for part in pair]
    written = [(node.tag, node.value) for node in added]
    tag = _STR if isinstance(addition.value, str) else INTEGER
    return written == [(tag, str(addition.value))], others


def _same(old: Node, new: Node, below: list[Node], new_values: dict[int, Value]) -> bool:
    """Whether a node is what it was, or what it was to become."""
    if isinstance(old, ScalarNode) and isinstance(new, ScalarNode):
        if (value := new_values.get(id(old))) is None:
            return (old.tag, old.value) == (new.tag, new.value)
        # A number in quotes stays what it was: text.
        tags = {_STR} if isinstance(value, str) else {INTEGER, old.tag}
        return new.tag in tags and new.value == str(value)
    alike = type(old) is type(new) and old.tag == new.tag
    return alike and len(_children(old)) == len(below)


def _children(node: Node) -> list[Node]:
    """The nodes directly below; none below a scalar."""
    if isinstance(node, MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, SequenceNode) else []
