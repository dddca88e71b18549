"""The fields in which a live object differs from what Git says."""

from __future__ import annotations

from collections.abc import Mapping
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
        depth, fields = 0, entry.get("fieldsV1", {})
        for part in path:
            if f"f:{part}" not in fields:
                break
            fields = fields[f"f:{part}"]
            depth += 1
        if depth > best or (depth and depth == best and entry["manager"] != FIELD_MANAGER):
            best, answer = depth, f"{entry['manager']} at {entry.get('time', 'an unknown time')}"
    return answer
