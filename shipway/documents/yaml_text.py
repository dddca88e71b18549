"""YAML as Kubernetes reads it, with errors that name file and line.

libyaml does the parsing: the Go parser behind kubectl is a port of it. Plain scalars resolve as in
that port too: YAML 1.1 has numbers in base 60 (`22:22`) and dates, Kubernetes has neither. Other
readers keep the last of two equal keys and drop the first in silence; here that is an error, and so
is what would eat the reader's memory: deep nesting, and aliases that multiply.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
)
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from shipway.errors import RefuseError

TEMPLATE = re.compile(r"\{\{|\$\{")
_EXPRESSION = re.compile(r"\{\{(?:[^{}]*|[^\r\n]{0,500}?)\}\}|\$\{[^{}\r\n]*\}")
DEEPEST = 200
REMEDY = "correct it there; `shipway check` finds such mistakes before a commit"
TOO_DEEP = "lists or mappings that nest too deep"
# How many nodes the aliases of one document may add: far above any manifest, far below a bomb.
LARGEST_EXPANSION = 100_000

_TAG = "tag:yaml.org,2002:"
NULL = f"{_TAG}null"
_NUMBERS = {
    "int": (r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]+|0|[1-9][0-9_]*)", "-+0123456789"),
    "float": (
        r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)"
        r"|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
}


# What some reader takes for a number, a date, a truth value or nothing where it has no quotes.
# Readers differ: YAML 1.1 and 1.2, Go's yaml v2 and v3, the JSON that kubectl and kustomize make of
# it. So this is more than any of them takes: what has the signs of numbers and dates alone.
_NOT_TEXT = re.compile(
    r"~|y|n|yes|no|on|off|true|false|null|[-+]?\.?(?:inf|infinity|nan)"
    r"|[-+.0-9][-+.0-9_:,etz]*|[-+]?_*0[0_]*x[-+0-9a-f_.p]*|[-+]?_*0[0_]*[ob][-+0-9_]*",
    re.IGNORECASE | re.ASCII,
)


class _Loader(yaml.SafeLoader):
    """Resolves plain scalars as Kubernetes does."""


_Loader.yaml_implicit_resolvers = {
    first: [
        resolver
        for resolver in known
        if resolver[0].removeprefix(_TAG) not in {"timestamp", *_NUMBERS}
    ]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _name, (_pattern, _begin) in _NUMBERS.items():
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(rf"^(?:{_pattern})$"), list(_begin))


def decode(content: bytes, file: str, untouched: str) -> str:
    """The text of a file.

    Raises:
        RefuseError: It is not UTF-8.
    """
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefuseError(
            "Not UTF-8.",
            where=file,
            expected="UTF-8 text",
            got=str(error),
            untouched=untouched,
            remedy=REMEDY,
        ) from error


def compose(text: str, file: str, untouched: str) -> list[Node]:
    """The nodes of every document that is not empty.

    An alias is the very node that its anchor names. Marks count characters after a byte order mark.

    Args:
        text: One or several YAML documents.
        file: The name that errors show.
        untouched: What errors say was left as it was.

    Raises:
        RefuseError: Not YAML, nested too deep, a key stands twice, or aliases that multiply.
    """
    try:
        composer = _Composer(file, untouched)
        nodes = map(composer.feed, yaml.parse(text, yaml.CSafeLoader))
        return [node for node in nodes if node is not None]
    except (yaml.YAMLError, UnicodeError) as error:
        raise _unreadable(error, text, file, untouched) from error


def construct(node: Node, file: str, untouched: str) -> Any:
    """The plain values of a document.

    Raises:
        RefuseError: A tag is unknown, or its value is not what the tag says.
    """
    loader = _Loader("")
    try:
        return loader.construct_document(node)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _unreadable(error, "", file, untouched) from error
    finally:
        loader.dispose()


@lru_cache(4096)
def plain_tag(value: str) -> str:
    """The tag of a scalar without quotes: what its text means."""
    for tag, pattern in _Loader.yaml_implicit_resolvers.get(value[:1], []):
        if pattern.match(value):
            return tag
    return f"{_TAG}str"


def reads_as_text(value: str) -> bool:
    """Whether every reader of YAML takes a value for text where it stands without quotes."""
    return value != "" and not _NOT_TEXT.fullmatch(value) and plain_tag(value) == f"{_TAG}str"


class _Composer:
    """Nodes from the parser's events; a loop, so that no nesting exhausts the stack."""

    def __init__(self, file: str, untouched: str) -> None:
        self._file = file
        self._untouched = untouched
        self._begin()

    def _begin(self) -> None:
        self._anchors: dict[str, Node] = {}
        # How many nodes each node holds once its aliases are written out.
        self._weights: dict[int, int] = {}
        self._open: list[SequenceNode | MappingNode] = []
        self._keys: list[Node | None] = []
        self._written = 0

    def feed(self, event: Event) -> Node | None:
        """Take the next event; the root of a document with the event that ends it."""
        if isinstance(event, DocumentStartEvent):
            self._begin()
        if isinstance(event, AliasEvent):
            return self._put(self._alias(event), event)
        if isinstance(event, CollectionEndEvent):
            node = self._open.pop()
            self._keys.pop()
            node.end_mark = event.end_mark
            if isinstance(node, MappingNode):
                _refuse_duplicates(node, self._file, self._untouched)
            return self._put(node, event)
        if not isinstance(event, NodeEvent):
            return None
        node = _node(event)
        self._written += 1
        self._weights[id(node)] = 1
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        if isinstance(node, ScalarNode):
            return self._put(node, event)
        self._open.append(node)
        self._keys.append(None)
        if len(self._open) > DEEPEST:
            raise self._refuse(event, f"at most {DEEPEST} levels", TOO_DEEP)
        return None

    def _alias(self, event: AliasEvent) -> Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            raise self._refuse(event, "plain YAML", "an alias (*name) that no anchor has")
        if node in self._open:
            raise self._refuse(event, "anchors that end", f"*{event.anchor} inside itself")
        return node

    def _put(self, node: Node, event: Event) -> Node | None:
        """Put a finished node where it belongs; return it where it belongs nowhere."""
        if not self._open:
            return node
        holder = self._open[-1]
        self._weights[id(holder)] += self._weights[id(node)]
        if self._weights[id(holder)] > self._written + LARGEST_EXPANSION:
            expected = f"aliases that add at most {LARGEST_EXPANSION} nodes"
            raise self._refuse(event, expected, "aliases of aliases that multiply")
        if isinstance(holder, SequenceNode):
            holder.value.append(node)
        elif (key := self._keys[-1]) is None:
            self._keys[-1] = node
        else:
            holder.value.append((key, node))
            self._keys[-1] = None
        return None

    def _refuse(self, event: Event, expected: str, got: str) -> RefuseError:
        return RefuseError(
            "Not valid YAML.",
            where=f"{self._file}:{event.start_mark.line + 1}",
            expected=expected,
            got=got,
            untouched=self._untouched,
            remedy=REMEDY,
        )


def _node(event: NodeEvent) -> ScalarNode | SequenceNode | MappingNode:
    marks = (event.start_mark, event.end_mark)
    if isinstance(event, ScalarEvent):
        tag = event.tag
        if tag is None or tag == "!":
            tag = plain_tag(event.value) if event.implicit[0] else f"{_TAG}str"
        return ScalarNode(tag, event.value, *marks, style=event.style)
    if isinstance(event, SequenceStartEvent):
        return SequenceNode(event.tag or f"{_TAG}seq", [], *marks, flow_style=event.flow_style)
    if isinstance(event, MappingStartEvent):
        return MappingNode(event.tag or f"{_TAG}map", [], *marks, flow_style=event.flow_style)
    raise TypeError(event)


def _unreadable(error: Exception, text: str, file: str, untouched: str) -> RefuseError:
    mark = getattr(error, "problem_mark", None)
    got = "a template" if mark and _fails_at_template(text, mark.index) else _problem(error)
    return RefuseError(
        "Not valid YAML.",
        where=f"{file}:{mark.line + 1}" if mark else file,
        expected="plain YAML",
        got=got,
        untouched=untouched,
        remedy=REMEDY,
    )


def _problem(error: Exception) -> str:
    """What is wrong, without a word of the file: it may hold a secret."""
    if isinstance(error, RecursionError) or "maximum nesting depth" in str(error):
        return TOO_DEEP
    if isinstance(error, ValueError) and not isinstance(error, UnicodeError):
        return "a value that is not what its tag says"
    problem = str(getattr(error, "problem", None) or error)
    if isinstance(error, yaml.constructor.ConstructorError):
        return problem.partition("'")[0].strip()
    return problem


def _fails_at_template(text: str, position: int) -> bool:
    """Whether a template is what the parser fails at: without its expressions it comes further."""
    masked = _EXPRESSION.sub(_masked, text)
    if masked == text:
        return False
    try:
        for _ in yaml.parse(masked, yaml.CSafeLoader):
            pass
    except yaml.MarkedYAMLError as error:
        return error.problem_mark is not None and error.problem_mark.index > position
    except (yaml.YAMLError, UnicodeError):
        return False
    return True


def _masked(expression: re.Match[str]) -> str:
    """As many letters; a comment where the expression has the line for itself."""
    text, start, end = expression.string, expression.start(), expression.end()
    before = text[max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1 : start]
    after = re.compile(r"[ \t]*(?:[\r\n]|$)").match(text, end)
    alone = not before.strip(" \t") and after is not None
    return re.sub(r"[^\r\n]", "#" if alone else "x", expression[0])


def _refuse_duplicates(node: MappingNode, file: str, untouched: str) -> None:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, ScalarNode):
            continue
        line = key.start_mark.line + 1
        if key.value in lines:
            raise RefuseError(
                f"The key {key.value!r} stands twice.",
                where=f"{file}:{line}",
                expected="each key once",
                got=f"again on line {line}, first on line {lines[key.value]}",
                untouched=untouched,
                remedy=REMEDY,
            )
        lines[key.value] = line
