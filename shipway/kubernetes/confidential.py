"""What is never told of objects: the values of Secrets, and those that an annotation marks."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from shipway.kubernetes.annotations import Path, pointers

SENSITIVE = "shipway.dev/sensitive"

_LAST_APPLIED = ("metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration")
# An annotation of a Secret may hold it once more.
_OF_A_SECRET: frozenset[Path] = frozenset({("data",), ("stringData",), ("metadata", "annotations")})
_HASH_DIGITS = 8
# Equal values are seen to be equal in one process; nobody can try values against it.
_KEY = secrets.token_bytes(32)


def confidential_paths(body: Mapping[str, Any]) -> frozenset[Path]:
    """The fields of an object whose values are not told, and nothing of what is in them.

    All that a Secret holds, and what the annotation `shipway.dev/sensitive` lists as JSON Pointers.
    """
    marked = frozenset(pointers(body, SENSITIVE).values())
    if body.get("kind") == "Secret":
        return _OF_A_SECRET | marked
    return marked | {_LAST_APPLIED} if marked else marked


def told(value: object, path: Path, confidential: frozenset[Path]) -> str:
    """A value as JSON; of one that is confidential, or holds or belongs to one, a short hash."""
    text = json.dumps(value)
    if value is None or not any(_overlap(path, hidden) for hidden in confidential):
        return text
    digest = hmac.digest(_KEY, text.encode(), hashlib.sha256).hex()[:_HASH_DIGITS]
    return f"hidden ({digest})"


def named_fields(words: str, body: Mapping[str, Any]) -> list[str]:
    """The confidential fields of an object that an error's words name."""
    names = (".".join(path) for path in _leaves(body, confidential_paths(body)))
    # An API server writes `data.key`, `.data.key` or `data[key]`.
    plain = words.replace("[", ".").replace("]", "")
    return [name for name in names if name in plain]


def _overlap(one: Path, other: Path) -> bool:
    """Whether one is the other, or in it."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _leaves(body: Mapping[str, Any], paths: frozenset[Path]) -> Iterator[Path]:
    """Each path and, where a mapping stands there, each of its keys."""
    for path in sorted(paths):
        value: Any = body
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        yield from ([(*path, str(key)) for key in value] if isinstance(value, dict) else [path])
