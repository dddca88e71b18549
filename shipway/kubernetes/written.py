"""When the fields of an object were written last, by the API server's own clock.

Server-side apply keeps, for each manager, the fields that it holds and when it changed one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from shipway.kubernetes.annotations import Path
from shipway.kubernetes.pods import time_of

# What an autoscaler writes through.
_SCALE = "scale"
_LIST_ITEMS = ("k:", "v:", "i:")

Fields = Mapping[str, Any]


def written_at(body: Mapping[str, Any], path: Path) -> datetime | None:
    """When one of those that hold a field, or something in it, changed what they hold last.

    That may be later than the field itself was changed, and is never earlier. What an autoscaler
    does to the number of pods does not count.

    Returns:
        The time, in whole seconds; None where nobody holds the field.
    """
    held = (entry for entry in _entries(body) if entry.get("subresource") != _SCALE)
    times = (time_of(entry.get("time")) for entry in held if _holds(entry, path))
    return max((time for time in times if time is not None), default=None)


def is_scaled(body: Mapping[str, Any]) -> bool:
    """Whether an autoscaler, or a person in its way, set the number of pods last."""
    scales = (entry for entry in _entries(body) if entry.get("subresource") == _SCALE)
    return any(_holds(entry, ("spec", "replicas")) for entry in scales)


def _entries(body: Mapping[str, Any]) -> Iterator[Fields]:
    yield from (body.get("metadata") or {}).get("managedFields") or []


def _holds(entry: Fields, path: Path) -> bool:
    return _is_in(entry.get("fieldsV1") or {}, path)


def _is_in(fields: Fields, path: Path) -> bool:
    """Whether a path leads to, into or through what somebody holds.

    Items of a list are named by their keys or values, and not by the position that a path has: any
    of them counts.
    """
    if not path or not fields:
        return True
    key, rest = path[0], path[1:]
    if f"f:{key}" in fields:
        return _is_in(fields[f"f:{key}"], rest)
    items = (of for name, of in fields.items() if name.startswith(_LIST_ITEMS))
    return key.isdecimal() and any(_is_in(of, rest) for of in items)
