"""A YAML file as text and as nodes, the ground for edits that change single scalars."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from shipway.documents.yaml_text import compose, decode
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
        self, node: Node | None, what: str, expected: str | None, got: str | None
    ) -> RefuseError:
        """The error that names the file and the line of `node`."""
        where = f"{self.file}:{node.start_mark.line + 1}" if node else self.file
        return RefuseError(what, where=where, expected=expected, got=got, untouched=UNTOUCHED)


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


def document_of(source: Source, title: str) -> int:
    """Which document holds an object, by its kind and name as in `Service/shop`.

    Raises:
        RefuseError: None does.
    """
    titles = [_title(root) for root in source.documents]
    if title in titles:
        return titles.index(title)
    raise source.refuse(None, f"There is no {title}.", title, ", ".join(filter(None, titles)))


def _title(root: Node) -> str:
    """Kind and name of a document, as far as it has them."""
    top = fields(root)
    named = top.get("kind"), fields(top.get("metadata")).get("name")
    return "/".join(str(part.value) for part in named if isinstance(part, ScalarNode))


def walk(source: Source) -> Iterator[tuple[Path, Node]]:
    """Every node once, with the path it is first met under."""
    seen: set[int] = set()
    stack: list[tuple[Path, Node]] = [((), root) for root in reversed(source.documents)]
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


def only(source: Source, scalars: list[ScalarNode], what: str) -> ScalarNode:
    """The single one of the scalars.

    Raises:
        RefuseError: There is none, or there are several, with their lines.
    """
    if len(scalars) == 1:
        return scalars[0]
    got = ", ".join(f"line {node.start_mark.line + 1}" for node in scalars) or "none"
    raise source.refuse(None, f"No single {what}.", "exactly one", got)
