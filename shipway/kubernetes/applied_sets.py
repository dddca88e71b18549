"""The sets that agents have applied in a cluster, found by their parents, and the end of one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from kubernetes_asyncio.client import ApiException

from shipway.kubernetes.applyset import (
    APPLIED,
    KINDS,
    NAMESPACES,
    SET_ID,
    TOOL,
    TOOLING,
    ApplySet,
    listed,
    write_parent,
)
from shipway.kubernetes.client import KubeClient, Object
from shipway.kubernetes.membership import Identity
from shipway.kubernetes.prune import PEOPLES, Member, delete, members
from shipway.kubernetes.refused import refused

# Where in Git a set stands, and the commit whose files were applied last.
FOLDER = "shipway.dev/folder"
COMMIT = "shipway.dev/commit"
# Since when an agent knows that Git no longer has the folder.
GONE_SINCE = "shipway.dev/gone-since"

# Takes what others have made of the kind along.
_OTHERS_MAY_USE = "CustomResourceDefinition.apiextensions.k8s.io"
_OURS = ("applyset.kubernetes.io/", "shipway.dev/")


class AppliedSet(NamedTuple):
    """A set that is in a cluster.

    Attributes:
        this_set: The set.
        annotations: Those of its parent that Shipway wrote.
    """

    this_set: ApplySet
    annotations: Mapping[str, str]

    @property
    def folder(self) -> str:
        """Where in Git it stands; empty where an earlier Shipway applied it."""
        return self.annotations.get(FOLDER, "")

    @property
    def commit(self) -> str:
        """The commit whose files were applied last."""
        return self.annotations.get(COMMIT, "")

    @property
    def gone_since(self) -> datetime | None:
        """Since when an agent knows that Git no longer has it."""
        try:
            return datetime.fromisoformat(self.annotations.get(GONE_SINCE, "")).astimezone(UTC)
        except ValueError:
            return None


class Contents(NamedTuple):
    """What becomes of the members of a set that is deleted.

    Attributes:
        goes: Those that are deleted.
        stays: Those that are left, each with why.
    """

    goes: list[Member]
    stays: list[tuple[Member, str]]


async def applied_sets(client: KubeClient) -> list[AppliedSet]:
    """Every set of a cluster.

    Raises:
        RefuseError: The agent may not list the ConfigMaps of all namespaces.
        RetryError: The API server is overloaded or fails.
    """
    try:
        parents = await client.list("v1", "ConfigMap", None, SET_ID)
    except ApiException as error:
        raise refused(error, ApplySet("(all)", "(all)").parent) from error
    return [_read(parent) for parent in parents if _annotations(parent).get(TOOLING) == TOOL]


async def find_set(client: KubeClient, app: str, namespace: str) -> AppliedSet | None:
    """The set of an app in a namespace; None where nothing was applied there.

    Raises:
        RefuseError: The agent may not read it.
        RetryError: The API server is overloaded or fails.
    """
    this_set = ApplySet.of(app, namespace)
    try:
        parent = await client.get("v1", "ConfigMap", this_set.name, namespace)
    except ApiException as error:
        raise refused(error, this_set.parent) from error
    return _read(parent) if parent else None


async def note_gone(client: KubeClient, applied: AppliedSet, at: datetime) -> None:
    """Note on a set's parent since when Git no longer has it; applying the set clears the note.

    Raises:
        RefuseError: The API server does not take it.
    """
    since = at.astimezone(UTC).isoformat(timespec="seconds")
    await write_parent(client, applied.this_set, {**applied.annotations, GONE_SINCE: since})


async def contents_of(client: KubeClient, applied: AppliedSet) -> Contents:
    """What becomes of a set's members when it is deleted.

    Raises:
        RefuseError: The API server does not list a kind.
        RetryError: The API server is overloaded or fails.
    """
    goes, stays = list[Member](), list[tuple[Member, str]]()
    kinds = listed(applied.annotations, KINDS)
    namespaces = listed(applied.annotations, NAMESPACES) | {applied.this_set.namespace}
    async for member in members(client, applied.this_set.id, kinds, namespaces):
        if why := _why_it_stays(member):
            stays.append((member, why))
        else:
            goes.append(member)
    return Contents(goes, stays)


async def delete_set(client: KubeClient, applied: AppliedSet) -> Contents:
    """Delete a set's members but for those that stay, and its parent in the end.

    Whoever is interrupted may begin again: until then, the parent lists what the set may have.

    Raises:
        RefuseError: The API server does not delete an object.
        RetryError: The API server is overloaded or fails.
    """
    contents = await contents_of(client, applied)
    # If the folder comes back meanwhile, what is missing is no drift, which may be left as it is.
    await write_parent(client, applied.this_set, {**applied.annotations, APPLIED: ""})
    for member in contents.goes:
        await delete(client, member)
    name, namespace = applied.this_set
    parent = applied.this_set.parent
    await delete(client, Member("v1", Identity("", "ConfigMap", namespace, name), parent.body))
    return contents


def _read(parent: Object) -> AppliedSet:
    annotations = _annotations(parent)
    ours = {key: value for key, value in annotations.items() if key.startswith(_OURS)}
    metadata = parent["metadata"]
    return AppliedSet(ApplySet(metadata["name"], metadata["namespace"]), ours)


def _annotations(parent: Object) -> Mapping[str, str]:
    return parent["metadata"].get("annotations") or {}


def _why_it_stays(member: Member) -> str:
    """Why an object is left; empty where it is deleted."""
    kind, group = member.identity.kind, member.identity.group
    if kind in PEOPLES and not group:
        return "only a person deletes one"
    if f"{kind}.{group}" == _OTHERS_MAY_USE:
        return "others may have objects of the kind"
    return "annotated to be kept" if member.is_kept else ""
