"""A YAML file as text and as nodes, the ground for edits that change single scalars."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from shipway.documents.yaml_text import REMEDY, compose, decode
from shipway.errors import RefuseError

UNTOUCHED = "the file and the ops repository"
_BOM = "\ufeff"

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Source:
    """One file: its name, a byte order mark if there was one, the text and its documents."""

    file: str
    bom: str
    text: str
    documents: tuple[Node, ...]

    def refuse(
        self,
        node: Node | None,
        what: str,
        expected: str | None,
        got: str | None,
        remedy: str | None = None,
    ) -> RefuseError:
        """The error that names the file and the line of `node`."""
        where = f"{self.file}:{node.start_mark.line + 1}" if node else self.file
        return RefuseError(
            what,
            where=where,
            expected=expected,
            got=got,
            untouched=UNTOUCHED,
            remedy=remedy or REMEDY,
        )


def read_source(content: bytes, file: str) -> Source:
    """Read a file.

    Raises:
        RefuseError: Not UTF-8 YAML.
    """
    text = decode(content, file, UNTOUCHED)
    bom = _BOM if text.startswith(_BOM) else ""
    text = text.removeprefix(_BOM)
    return Source(file, bom, text, tuple(compose(text, file, UNTOUCHED)))


def fields(node: Node | None) -> dict[str, Node]:
    """The fields of a mapping; empty for anything else. Merged keys (`<<`) are not its own."""
    if not isinstance(node, MappingNode):
        return {}
    return {str(key.value): value for key, value in node.value}


def items_of(source: Source, key: str) -> list[Node]:
    """The items of a list that a file has at its top; none where it has no such list."""
    lists = [fields(root).get(key) for root in source.documents]
    return [item for each in lists if isinstance(each, SequenceNode) for item in each.value]


def objects_of(source: Source) -> list[tuple[str, Node]]:
    """The objects of a file, those in lists too, each with its kind and name."""
    return [each for root in source.documents for each in _objects_in(root)]


def _objects_in(node: Node, kind: str = "") -> Iterator[tuple[str, Node]]:
    """A document, or the objects in a `kind: List` or a typed list, in lists in lists too.

    Args:
        node: The document, or an item.
        kind: Of the items of a typed list, which need not say it again.
    """
    if not is_list(node):
        yield title_of(node, kind), node
        return
    items = fields(node)["items"]
    for item in items.value if isinstance(items, SequenceNode) else ():
        yield from _objects_in(item, title_of(node).removesuffix("List"))


def is_list(node: Node) -> bool:
    """Whether a document is a list; a list has no name, a custom kind such as AllowList has."""
    top = fields(node)
    named = "name" in fields(top.get("metadata"))
    return "items" in top and not named and title_of(node).endswith("List")


def object_of(source: Source, title: str) -> Node:
    """An object by its kind and name as in `Service/shop`, or by its kind alone.

    Raises:
        RefuseError: There is no such object, or there are several.
    """
    objects = objects_of(source)
    nodes = [node for other, node in objects if title in {other, other.partition("/")[0]}]
    if len(nodes) == 1:
        return nodes[0]
    if nodes:
        got = lines_of(nodes)
        raise source.refuse(nodes[1], f"There are several {title}.", f"one {title}", got)
    got = ", ".join(other for other, _ in objects if other)
    raise source.refuse(None, f"There is no {title}.", title, got)


def title_of(root: Node, kind: str = "") -> str:
    """Kind and name of an object; the kind alone where it has no name.

    Args:
        root: The object.
        kind: Of an object that does not say it.
    """
    top = fields(root)
    own, name = top.get("kind"), fields(top.get("metadata")).get("name")
    words = [own.value if isinstance(own, ScalarNode) else kind]
    words += [name.value] if isinstance(name, ScalarNode) else []
    return "/".join(word for word in words if word)


def object_remedy(titles: Sequence[str]) -> str | None:
    """How rollout.yaml says which of several objects is meant, where their titles tell."""
    if len(titles) < 2 or "" in titles or len(set(titles)) < len(titles):
        return None
    choices = " or ".join(f"`object: {title}`" for title in titles)
    return f"say which one in rollout.yaml, beside `file`: {choices}"


def lines_of(nodes: Sequence[Node]) -> str:
    """Where nodes stand, for errors."""
    return ", ".join(f"line {node.start_mark.line + 1}" for node in nodes) or "none"


def comment_at(source: Source, node: ScalarNode) -> str | None:
    """The comment behind a value on its line; of a block of lines, the one behind its header."""
    mark = node.start_mark if node.style in {"|", ">"} else node.end_mark
    rest = source.text[mark.index :].splitlines()[:1]
    comment = re.search(r"(?<!\S)#.*", f" {rest[0]}") if rest else None
    return comment[0] if comment else None


def walk(roots: Sequence[Node]) -> Iterator[tuple[Path, Node]]:
    """Every node once, with the path it is first met under."""
    seen: set[int] = set()
    stack: list[tuple[Path, Node]] = [((), root) for root in reversed(roots)]
    while stack:
        path, node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield path, node
        if isinstance(node, MappingNode):
            below = [((*path, str(key.value)), value) for key, value in node.value]
            stack.extend(reversed(below))
        elif isinstance(node, SequenceNode):
            below = [((*path, position), item) for position, item in enumerate(node.value)]
            stack.extend(reversed(below))
