"""What the annotations of an object ask of the agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Deleted and made again where the API server does not change it.
REPLACE = "shipway.dev/replace"
# Made where it is missing, and left as it is from then on.
CREATE_ONCE = "shipway.dev/create-once"
# Left in the cluster when Git no longer has it.
KEEP = "shipway.dev/keep"
# JSON Pointers to fields of another controller.
IGNORE = "shipway.dev/ignore"

Path = tuple[str, ...]


def is_asked(body: Mapping[str, Any], annotation: str) -> bool:
    """Whether an annotation says yes."""
    return _value(body, annotation) == "true"


def path_of(pointer: str) -> Path:
    """The parts of a JSON Pointer (RFC 6901)."""
    parts = pointer.removeprefix("/").split("/")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in parts)


def pointers(body: Mapping[str, Any], annotation: str) -> dict[str, Path]:
    """The parts of each JSON Pointer (RFC 6901) that an annotation lists, with commas between."""
    listed = (pointer.strip() for pointer in _value(body, annotation).split(","))
    return {pointer: path_of(pointer) for pointer in listed if pointer}


def _value(body: Mapping[str, Any], annotation: str) -> str:
    annotations = (body.get("metadata") or {}).get("annotations") or {}
    return str(annotations.get(annotation) or "")
