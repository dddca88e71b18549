"""YAML as Kubernetes reads it, with errors that name file and line.

PyYAML follows YAML 1.1, where `22:22` is a number in base 60 and `2024-01-01` a date; the Go parser
behind kubectl knows neither. Both readers keep the last of two equal keys and drop the first in
silence; here that is an error.
"""

from __future__ import annotations

import re
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from blocks.errors import Refuse

TEMPLATE = re.compile(r"\{\{|\$\{")

_TAG = "tag:yaml.org,2002:"
_NUMBERS = {
    "int": (r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]+|0|[1-9][0-9_]*)", "-+0123456789"),
    "float": (
        r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)"
        r"|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
}


class _Loader(yaml.SafeLoader):
    """Resolves plain scalars as Kubernetes does."""


_Loader.yaml_implicit_resolvers = {
    first: [one for one in known if one[0].removeprefix(_TAG) not in {"timestamp", *_NUMBERS}]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _name, (_pattern, _begin) in _NUMBERS.items():
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(rf"^(?:{_pattern})$"), list(_begin))


def decode(content: bytes, file: str, untouched: str) -> str:
    """The text of a file.

    Raises:
        Refuse: It is not UTF-8.
    """
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refuse(
            "Not UTF-8.", where=file, expected="UTF-8 text", got=str(error), untouched=untouched
        ) from error


def compose(text: str, file: str, untouched: str) -> list[Node]:
    """The nodes of every document that is not empty.

    Args:
        text: One or several YAML documents.
        file: The name that errors show.
        untouched: What errors say was left as it was.

    Raises:
        Refuse: Not YAML, nested too deep, or a key stands twice.
    """
    try:
        nodes = [node for node in yaml.compose_all(text, _Loader) if node is not None]
    except (yaml.YAMLError, RecursionError) as error:
        raise _unreadable(error, text, file, untouched) from error
    for node in nodes:
        _refuse_duplicates(node, file, untouched)
    return nodes


def construct(node: Node, file: str, untouched: str) -> Any:
    """The plain values of a document.

    Raises:
        Refuse: A tag is unknown, or its value is not what the tag says.
    """
    loader = _Loader("")
    try:
        return loader.construct_document(node)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _unreadable(error, "", file, untouched) from error
    finally:
        loader.dispose()


def _unreadable(error: Exception, text: str, file: str, untouched: str) -> Refuse:
    mark = getattr(error, "problem_mark", None)
    got = getattr(error, "problem", None) or str(error)
    if isinstance(error, RecursionError):
        got = "lists or mappings that nest too deep"
    if TEMPLATE.search(text):
        got = "a template"
    return Refuse(
        "Not valid YAML.",
        where=f"{file}:{mark.line + 1}" if mark else file,
        expected="plain YAML",
        got=got,
        untouched=untouched,
    )


def _refuse_duplicates(root: Node, file: str, untouched: str) -> None:
    seen: set[int] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, SequenceNode):
            stack.extend(node.value)
        if isinstance(node, MappingNode):
            lines: dict[str, int] = {}
            for key, value in node.value:
                stack.append(value)
                if not isinstance(key, ScalarNode):
                    continue
                line = key.start_mark.line + 1
                if key.value in lines:
                    raise Refuse(
                        f"The key {key.value!r} stands twice.",
                        where=f"{file}:{line}",
                        expected="each key once",
                        got=f"again on line {line}, first on line {lines[key.value]}",
                        untouched=untouched,
                    )
                lines[key.value] = line
