"""Make the cluster equal to a set of objects: server-side apply, drift, and prune of what it owns.

Ownership is marked as Kubernetes' ApplySet specification (KEP-3659) says: every member carries the
set's id as a label, and a parent ConfigMap names the kinds that the set has had, so that an object
taken out of Git is found and deleted, and nothing else ever is.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from kubernetes_asyncio.client import ApiException
from pydantic import BaseModel, ConfigDict

from shipway.errors import RefuseError
from shipway.kubernetes.client import KubeClient, Object
from shipway.kubernetes.confidential import confidential_paths, told
from shipway.kubernetes.membership import (
    FIELD_MANAGER,
    MEMBER,
    Identity,
    identities,
    identity_of,
)
from shipway.kubernetes.objects import KubeObject
from shipway.kubernetes.prune import prune
from shipway.kubernetes.refused import refused, words_of

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
    desired: str
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
    this_set = _ApplySet(f"shipway.{name}", namespace)
    try:
        parent = await client.get("v1", "ConfigMap", this_set.name, namespace)
    except ApiException as error:
        raise refused(error, this_set.parent) from error
    annotations: dict[str, str] = parent["metadata"].get("annotations", {}) if parent else {}
    known = annotations.get(APPLIED) == fingerprint

    client.forget_kinds()
    # All are known before the first is applied: none of them stands twice.
    known_as = await identities(client, objects, namespace)
    kinds = {_group_kind(each.api_version, each.kind) for each in objects}
    others = {each.namespace for each in known_as if each.namespace} - {namespace}

    first = [each for each in objects if each.kind == "Namespace"]
    rest = [each for each in objects if each.kind != "Namespace"]
    done = [await _apply(client, each, this_set, known, heal=heal) for each in first]

    # The parent is written before the members, so that nothing is ever owned without being listed.
    all_kinds = kinds | _listed(annotations, KINDS)
    all_others = others | _listed(annotations, NAMESPACES)
    await _write_parent(client, this_set, all_kinds, all_others, "")
    done += [await _apply(client, each, this_set, known, heal=heal) for each in rest]
    deleted = await prune(
        client,
        this_set.id,
        all_kinds,
        {*all_others, namespace},
        {each.identity for each in done},
        {each.uid for each in done if each.uid},
    )
    await _write_parent(client, this_set, kinds, others, fingerprint)
    changes = [each.change for each in done]
    return changes + [Change(title=title, action="deleted") for title in deleted]


class _Done(NamedTuple):
    """What happened to one object, and which one it is; one that was left missing has no uid."""

    change: Change
    identity: Identity
    uid: str | None


async def applied_fingerprint(client: KubeClient, name: str, namespace: str) -> str | None:
    """What was applied last of a set; None where nothing was, or where it is not over."""
    parent = await client.get("v1", "ConfigMap", f"shipway.{name}", namespace)
    return ((parent or {}).get("metadata", {}).get("annotations") or {}).get(APPLIED) or None


class _ApplySet(NamedTuple):
    """The set's parent, a ConfigMap."""

    name: str
    namespace: str

    @property
    def id(self) -> str:
        digest = hashlib.sha256(f"{self.name}.{self.namespace}.ConfigMap.".encode()).digest()
        return f"applyset-{base64.urlsafe_b64encode(digest).decode().rstrip('=')}-v1"

    @property
    def parent(self) -> KubeObject:
        """The parent, as errors name it."""
        return KubeObject(
            file=f"namespace {self.namespace}",
            api_version="v1",
            kind="ConfigMap",
            name=self.name,
            namespace=self.namespace,
            body={},
        )


def _listed(annotations: Mapping[str, str], key: str) -> set[str]:
    """The names that an annotation lists."""
    return {name for name in annotations.get(key, "").split(",") if name}


async def _apply(
    client: KubeClient, desired: KubeObject, this_set: _ApplySet, known: bool, *, heal: bool
) -> _Done:
    """Apply one object, where the cluster does not have it as it stands in Git."""
    identity = await identity_of(client, desired, this_set.namespace)
    body = _member(desired, this_set)
    try:
        change, written = await _write(client, desired, identity, body, known, heal=heal)
    except ApiException as error:
        raise refused(error, desired) from error
    if desired.kind == "CustomResourceDefinition":
        client.forget_kinds()
    return _Done(change, identity, written["metadata"]["uid"] if written else None)


def _member(desired: KubeObject, this_set: _ApplySet) -> Object:
    """An object's body with the set's label; the namespace is told by where it is sent to."""
    metadata = {key: value for key, value in desired.body["metadata"].items() if key != "namespace"}
    labels = {**(metadata.get("labels") or {}), MEMBER: this_set.id}
    return {**desired.body, "metadata": {**metadata, "labels": labels}}


async def _write(
    client: KubeClient,
    desired: KubeObject,
    identity: Identity,
    body: Object,
    known: bool,
    *,
    heal: bool,
) -> tuple[Change, Object | None]:
    """What happened to an object, and the object as it is now."""
    title, namespace = desired.title, identity.namespace
    live = await client.get(desired.api_version, desired.kind, desired.name, namespace)
    if live is None and known and not heal:
        return Change(title=title, action="left", drift=True), None
    if live is None:
        written = await client.apply(body, namespace, FIELD_MANAGER)
        return Change(title=title, action="created", drift=known), written
    applied = await client.apply(body, namespace, FIELD_MANAGER, dry_run=True)
    differences = tuple(_differences(live, applied))
    if not differences:
        return Change(title=title, action="unchanged"), live
    if known and not heal:
        return Change(title=title, action="left", drift=True, differences=differences), live
    written = await client.apply(body, namespace, FIELD_MANAGER)
    return Change(title=title, action="updated", drift=known, differences=differences), written


async def _write_parent(
    client: KubeClient,
    this_set: _ApplySet,
    kinds: set[str],
    other_namespaces: set[str],
    fingerprint: str,
) -> None:
    """Write the set's parent: the kinds and namespaces of its members, and what was applied."""
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": this_set.name,
            "namespace": this_set.namespace,
            "labels": {SET_ID: this_set.id},
            "annotations": {
                TOOLING: "shipway/v1",
                KINDS: ",".join(sorted(kinds)),
                NAMESPACES: ",".join(sorted(other_namespaces)),
                APPLIED: fingerprint,
            },
        },
    }
    try:
        await client.apply(body, this_set.namespace, FIELD_MANAGER)
    except ApiException as error:
        raise RefuseError(
            "The namespace cannot take the release.",
            where=f"namespace {this_set.namespace}",
            expected="an existing namespace, or a Namespace among the manifests",
            got=words_of(error),
            untouched="the cluster",
        ) from error


def _differences(live: Mapping[str, Any], desired: Mapping[str, Any]) -> list[Difference]:
    """The fields that differ; those that the server writes itself do not count."""
    differences: list[Difference] = []
    confidential = confidential_paths(live) | confidential_paths(desired)

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
            differences.append(
                Difference(
                    field=".".join(path),
                    live=told(before, path, confidential),
                    desired=told(after, path, confidential),
                    writer=_writer(live, path),
                )
            )

    compare(dict(live), dict(desired), ())
    return differences


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
    """A kind as the ApplySet's annotations list it, such as `Deployment.apps`."""
    group = api_version.rpartition("/")[0]
    return f"{kind}.{group}" if group else kind
