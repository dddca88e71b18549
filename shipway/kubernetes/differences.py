"""The fields in which a live object differs from what Git says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from shipway.kubernetes.annotations import Path
from shipway.kubernetes.confidential import confidential_paths, told
from shipway.kubernetes.membership import FIELD_MANAGER

_SERVERS: frozenset[Path] = frozenset(
    {
        ("status",),
        ("metadata", "managedFields"),
        ("metadata", "resourceVersion"),
        ("metadata", "generation"),
        ("metadata", "uid"),
        ("metadata", "creationTimestamp"),
    }
)


class Difference(BaseModel):
    """A field whose live value is not Git's, and who wrote the live one."""

    model_config = ConfigDict(frozen=True)

    field: str
    live: str
    desired: str
    writer: str

    @property
    def manager(self) -> str:
        """The manager of fields that wrote the live value, without the time."""
        return self.writer.partition(" at ")[0]


def differences(
    live: Mapping[str, Any], desired: Mapping[str, Any], ignored: frozenset[Path] = frozenset()
) -> list[Difference]:
    """The fields that differ; those that are ignored or that the server writes do not count."""
    found: list[Difference] = []
    not_compared = _SERVERS | ignored
    confidential = confidential_paths(live) | confidential_paths(desired)

    def compare(before: Any, after: Any, path: tuple[str, ...]) -> None:
        if path in not_compared or before == after:
            return
        if isinstance(before, dict) and isinstance(after, dict):
            for key in sorted(before.keys() | after.keys()):
                compare(before.get(key), after.get(key), (*path, key))
        elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
            for index, (left, right) in enumerate(zip(before, after, strict=True)):
                compare(left, right, (*path, str(index)))
        else:
            found.append(
                Difference(
                    field=".".join(path),
                    live=told(before, path, confidential),
                    desired=told(after, path, confidential),
                    writer=_writer(live, path),
                )
            )

    compare(dict(live), dict(desired), ())
    return found


def _writer(live: Mapping[str, Any], path: tuple[str, ...]) -> str:
    """The field manager that holds the longest part of `path`, with the time it wrote."""
    best, answer = 0, "unknown"
    for entry in live["metadata"].get("managedFields", []):
        depth = sum(1 for _ in _held(entry.get("fieldsV1", {}), live, path))
        if depth > best or (depth and depth == best and entry["manager"] != FIELD_MANAGER):
            best, answer = depth, f"{entry['manager']} at {entry.get('time', 'an unknown time')}"
    return answer


def _held(fields: Any, live: Any, path: tuple[str, ...]) -> Iterator[str]:
    """As much of a path as a manager holds."""
    for part in path:
        key = f"f:{part}" if isinstance(live, Mapping) else _item(fields, live, part)
        if key not in fields:
            return
        yield part
        fields = fields[key]
        live = live.get(part) if isinstance(live, Mapping) else live[int(part)]


def _item(fields: Mapping[str, Any], items: Any, part: str) -> str:
    """What an item of a list is called among the fields that a manager holds; empty for nothing."""
    if not isinstance(items, list) or not part.isdecimal() or int(part) >= len(items):
        return ""
    item = items[int(part)]
    for key in fields:
        kind, _, name = key.partition(":")
        if kind == "k" and isinstance(item, Mapping) and json.loads(name).items() <= item.items():
            return key
        if (kind == "v" and json.loads(name) == item) or (kind == "i" and name == part):
            return key
    return ""
