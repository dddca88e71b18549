"""Fields that another controller owns: they stay as the cluster has them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from shipway.errors import RefuseError
from shipway.kubernetes.annotations import IGNORE, Path, pointers
from shipway.kubernetes.autoscaler import is_autoscaler, scale_target
from shipway.kubernetes.membership import FIELD_MANAGER, Identity
from shipway.kubernetes.objects import KubeObject

REPLICAS: Path = ("spec", "replicas")

_IDENTITY: tuple[Path, ...] = (("apiVersion",), ("kind",), ("metadata", "name"))
_MISSING = object()


class Ignored(NamedTuple):
    """What another controller owns of an object.

    Attributes:
        listed: The fields that the annotation `shipway.dev/ignore` lists.
        scaled: Whether a HorizontalPodAutoscaler of the same folder sets its replicas.
    """

    listed: frozenset[Path] = frozenset()
    scaled: bool = False

    def fields(self, body: Mapping[str, Any], live: Mapping[str, Any]) -> frozenset[Path]:
        """The fields that stay; no autoscaler scales to zero or from it, that is for Git."""
        off = 0 in {_replicas(body), _replicas(live)}
        return self.listed | ({REPLICAS} if self.scaled and not off else set())


def ignored_fields(
    objects: Sequence[KubeObject], identities: Sequence[Identity]
) -> dict[Identity, Ignored]:
    """What another controller owns of each object.

    Raises:
        RefuseError: An annotation lists what is no field, or what makes an object that one.
    """
    scaled = {
        _scaled(each, identity)
        for each, identity in zip(objects, identities, strict=True)
        if is_autoscaler(each)
    }
    return {
        identity: Ignored(_listed(each), identity in scaled)
        for each, identity in zip(objects, identities, strict=True)
    }


def with_live_values(
    body: dict[str, Any], live: Mapping[str, Any], ignored: Iterable[Path]
) -> dict[str, Any]:
    """A body with the live values of the fields that are ignored.

    To leave out a field that Shipway itself once applied would delete it: it is given its live
    value instead. What Shipway never applied and Git does not name is left out.
    """
    result = copy.deepcopy(body)
    for path in sorted(ignored):
        value = _at(live, path)
        if value is _MISSING:
            _remove(result, path)
        elif _at(result, path) is not _MISSING or _is_applied(live, path):
            _set(result, path, copy.deepcopy(value))
    return result


def _replicas(body: Mapping[str, Any]) -> int | None:
    replicas = _at(body, REPLICAS)
    return replicas if isinstance(replicas, int) else None


def _listed(each: KubeObject) -> frozenset[Path]:
    """The fields that an object's annotation lists."""
    listed = pointers(each.body, IGNORE)
    for pointer, path in listed.items():
        identifies = any(path == identity[: len(path)] for identity in _IDENTITY)
        if not pointer.startswith("/") or "" in path or identifies:
            raise RefuseError(
                f"{each.title} cannot ignore {pointer!r}.",
                where=each.file,
                expected=f"in {IGNORE}, JSON Pointers to fields such as /spec/replicas",
                got=pointer,
                untouched="the cluster",
            )
    return frozenset(listed.values())


def _scaled(autoscaler: KubeObject, identity: Identity) -> Identity:
    """The workload that a HorizontalPodAutoscaler scales."""
    target = scale_target(autoscaler)
    return Identity(target.group, target.kind, identity.namespace, target.name)


def _is_applied(live: Mapping[str, Any], path: Path) -> bool:
    """Whether Shipway holds a field of the live object."""
    held = [
        entry.get("fieldsV1", {})
        for entry in live["metadata"].get("managedFields", [])
        if entry["manager"] == FIELD_MANAGER
    ]
    return any(_at(fields, tuple(f"f:{part}" for part in path)) is not _MISSING for fields in held)


def _inner(value: Any, part: str) -> Any:
    """What a mapping or a list holds under a part of a pointer."""
    if isinstance(value, Mapping):
        return value.get(part, _MISSING)
    if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
        return value[int(part)]
    return _MISSING


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = _inner(value, part)
    return value


def _set(body: Any, path: Path, value: Any) -> None:
    """Set a field, and make the mappings that it is in; a list that is not there stays away."""
    for part in path[:-1]:
        if isinstance(body, dict) and not isinstance(body.get(part), dict | list):
            body[part] = {}
        body = _inner(body, part)
    if isinstance(body, dict):
        body[path[-1]] = value
    elif _inner(body, path[-1]) is not _MISSING:
        body[int(path[-1])] = value


def _remove(body: Any, path: Path) -> None:
    holder = _at(body, path[:-1])
    if isinstance(holder, dict):
        holder.pop(path[-1], None)
