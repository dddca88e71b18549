"""Make the cluster equal to a set of objects: server-side apply, drift, and prune of what it owns.

Ownership is marked as Kubernetes' ApplySet specification (KEP-3659) says: every member carries the
set's id as a label, and a parent ConfigMap names the kinds that the set has had, so that an object
taken out of Git is found and deleted, and nothing else ever is.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from kubernetes_asyncio.client import ApiException
from pydantic import BaseModel, ConfigDict

from shipway.errors import RefuseError
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.objects import KubeObject
from shipway.kubernetes.refused import refused, words_of

FIELD_MANAGER = "shipway"
MEMBER = "applyset.kubernetes.io/part-of"
SET_ID = "applyset.kubernetes.io/id"
KINDS = "applyset.kubernetes.io/contains-group-kinds"
NAMESPACES = "applyset.kubernetes.io/additional-namespaces"
TOOLING = "applyset.kubernetes.io/tooling"
APPLIED = "shipway.dev/applied"

_SERVERS_OWN = {"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp"}


class Difference(BaseModel):
    """A field whose live value is not Git's, and who wrote the live one."""

    model_config = ConfigDict(frozen=True)

    field: str
    live: str
    wanted: str
    writer: str


class Change(BaseModel):
    """What happened to one object; drift is put back, or left as it is where that is asked for."""

    model_config = ConfigDict(frozen=True)

    title: str
    action: Literal["created", "updated", "unchanged", "deleted", "left"]
    drift: bool = False
    differences: tuple[Difference, ...] = ()


async def apply_set(
    client: KubeClient,
    name: str,
    namespace: str,
    objects: list[KubeObject],
    fingerprint: str,
    *,
    heal: bool = True,
) -> list[Change]:
    """Apply `objects` and delete the members of the set that are not among them.

    Where the fingerprint equals that of the last apply, a difference is drift: Git did not ask
    for it, somebody changed the cluster.

    Args:
        client: The cluster.
        name: Name of the set.
        namespace: Namespace of the set and of every object that names none.
        objects: In the order to apply them.
        fingerprint: Identifies what Git says, such as a tree id.
        heal: Whether drift is put back; otherwise it is only told of.

    Raises:
        RefuseError: The API server does not know a kind or does not accept an object.
        RetryError: The API server is overloaded or fails.
    """
    own = _Set(f"shipway.{name}", namespace)
    try:
        parent = await client.get("v1", "ConfigMap", own.name, namespace)
    except ApiException as error:
        raise refused(error, f"ConfigMap/{own.name}", f"namespace {namespace}") from error
    annotations: dict[str, str] = parent["metadata"].get("annotations", {}) if parent else {}
    known = annotations.get(APPLIED) == fingerprint

    first = [found for found in objects if found.kind == "Namespace"]
    rest = [found for found in objects if found.kind != "Namespace"]
    changes = [await _apply(client, found, own, known, heal=heal) for found in first]

    # The parent is written before the members, so that nothing is ever owned without being listed.
    kinds = {_group_kind(found.api_version, found.kind) for found in objects}
    places = {found.namespace or namespace for found in rest} - {namespace}
    all_kinds = kinds | _listed(annotations, KINDS)
    all_places = places | _listed(annotations, NAMESPACES)
    await _write_parent(client, own, all_kinds, all_places, "")
    changes += [await _apply(client, found, own, known, heal=heal) for found in rest]
    changes += await _prune(client, own, all_kinds, {*all_places, namespace}, objects)
    await _write_parent(client, own, kinds, places, fingerprint)
    return changes


class _Set(NamedTuple):
    """The set's parent, a ConfigMap."""

    name: str
    namespace: str

    @property
    def id(self) -> str:
        digest = hashlib.sha256(f"{self.name}.{self.namespace}.ConfigMap.".encode()).digest()
        return f"applyset-{base64.urlsafe_b64encode(digest).decode().rstrip('=')}-v1"


def _listed(annotations: Mapping[str, str], key: str) -> set[str]:
    return {one for one in annotations.get(key, "").split(",") if one}


async def _apply(
    client: KubeClient, found: KubeObject, own: _Set, known: bool, *, heal: bool
) -> Change:
    resource = await client.resource(found.api_version, found.kind)
    namespace = (found.namespace or own.namespace) if resource.namespaced else None
    metadata = found.body["metadata"]
    labels = {**(metadata.get("labels") or {}), MEMBER: own.id}
    body = {**found.body, "metadata": {**metadata, "labels": labels}}
    try:
        live = await client.get(found.api_version, found.kind, found.name, namespace)
        if live is None and known and not heal:
            return Change(title=found.title, action="left", drift=True)
        if live is None:
            await client.apply(body, namespace, FIELD_MANAGER)
            return Change(title=found.title, action="created", drift=known)
        wanted = await client.apply(body, namespace, FIELD_MANAGER, dry_run=True)
        differences = tuple(_differences(live, wanted))
        if not differences:
            return Change(title=found.title, action="unchanged")
        if known and not heal:
            return Change(title=found.title, action="left", drift=True, differences=differences)
        await client.apply(body, namespace, FIELD_MANAGER)
    except ApiException as error:
        raise refused(error, found.title, found.file) from error
    return Change(title=found.title, action="updated", drift=known, differences=differences)


async def _prune(
    client: KubeClient,
    own: _Set,
    kinds: set[str],
    places: set[str],
    objects: list[KubeObject],
) -> list[Change]:
    wanted = {(one.group, one.kind, one.namespace or own.namespace, one.name) for one in objects}
    changes: list[Change] = []
    for group_kind in sorted(kinds):
        kind, _, group = group_kind.partition(".")
        version = await client.preferred_version(group)
        # A namespace takes everything in it along: only a person deletes one.
        if kind == "Namespace" or version is None:
            continue
        namespaced = (await client.resource(version, kind)).namespaced
        for place in sorted(places) if namespaced else [own.namespace]:
            for member in await client.list(version, kind, place, f"{MEMBER}={own.id}"):
                name = member["metadata"]["name"]
                if (group, kind, place, name) not in wanted:
                    await client.delete(version, kind, name, place)
                    changes.append(Change(title=f"{kind}/{name}", action="deleted"))
    return changes


async def _write_parent(
    client: KubeClient,
    own: _Set,
    kinds: set[str],
    places: set[str],
    fingerprint: str,
) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": own.name,
            "namespace": own.namespace,
            "labels": {SET_ID: own.id},
            "annotations": {
                TOOLING: "shipway/v1",
                KINDS: ",".join(sorted(kinds)),
                NAMESPACES: ",".join(sorted(places)),
                APPLIED: fingerprint,
            },
        },
    }
    try:
        await client.apply(body, own.namespace, FIELD_MANAGER)
    except ApiException as error:
        raise RefuseError(
            "The namespace cannot take the release.",
            where=f"namespace {own.namespace}",
            expected="an existing namespace, or a Namespace among the manifests",
            got=words_of(error),
            untouched="the cluster",
        ) from error


def _differences(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Difference]:
    found: list[Difference] = []

    def compare(before: Any, after: Any, path: tuple[str, ...]) -> None:
        if path in _IGNORED or before == after:
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
                    live=json.dumps(before),
                    wanted=json.dumps(after),
                    writer=_writer(live, path),
                )
            )

    compare(dict(live), dict(wanted), ())
    return found


_IGNORED = {("status",), *(("metadata", key) for key in _SERVERS_OWN)}


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


def _group_kind(api_version: str, kind: str) -> str:
    group = api_version.rpartition("/")[0]
    return f"{kind}.{group}" if group else kind
