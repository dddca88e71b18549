"""Delete the members of a set that do not stand in Git any more."""

from __future__ import annotations

from collections.abc import Set
from http import HTTPStatus
from typing import Any

from kubernetes_asyncio.client import ApiException

from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.membership import MEMBER, Identity, is_marked
from shipway.kubernetes.objects import KubeObject
from shipway.kubernetes.refused import refused


async def prune(
    client: KubeClient,
    set_id: str,
    kinds: Set[str],
    namespaces: Set[str],
    keep: Set[Identity],
    keep_uids: Set[str],
) -> list[str]:
    """Delete members; return their titles.

    Args:
        client: The cluster.
        set_id: Value of the label that members have.
        kinds: The kinds to look through, each as `Kind.group`.
        namespaces: The namespaces to look through.
        keep: What stands in Git.
        keep_uids: The same objects; the API server may serve one in several groups.

    Raises:
        RefuseError: The API server does not delete an object.
        RetryError: The API server is overloaded or fails.
    """
    titles: list[str] = []
    for group_kind in sorted(kinds):
        kind, _, group = group_kind.partition(".")
        version = await _version(client, group, kind)
        # A namespace takes everything in it along: only a person deletes one.
        if kind == "Namespace" or version is None:
            continue
        namespaced = (await client.resource(version, kind)).namespaced
        for namespace in sorted(namespaces) if namespaced else [None]:
            for member in await _members(client, version, kind, namespace, set_id):
                metadata = member["metadata"]
                identity = Identity(group, kind, namespace, metadata["name"])
                if identity in keep or metadata["uid"] in keep_uids or not is_marked(member):
                    continue
                await _delete(client, version, identity, member)
                titles.append(f"{kind}/{identity.name}")
    return titles


async def _version(client: KubeClient, group: str, kind: str) -> str | None:
    try:
        return await client.served_version(group, kind)
    except ApiException as error:
        raise refused(error, _named(group, kind, None, "(all)", {})) from error


async def _members(
    client: KubeClient, version: str, kind: str, namespace: str | None, set_id: str
) -> list[dict[str, Any]]:
    """The objects that have the set's label; none where the kind went in this very pass."""
    try:
        return await client.list(version, kind, namespace, f"{MEMBER}={set_id}")
    except ApiException as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return []
        raise refused(error, _named(version, kind, namespace, "(all)", {})) from error


async def _delete(
    client: KubeClient, version: str, identity: Identity, member: dict[str, Any]
) -> None:
    """Delete an object, if nobody else has done so."""
    try:
        await client.delete(version, identity.kind, identity.name, identity.namespace)
    except ApiException as error:
        if error.status != HTTPStatus.NOT_FOUND:
            named = _named(version, identity.kind, identity.namespace, identity.name, member)
            raise refused(error, named) from error


def _named(
    version: str, kind: str, namespace: str | None, name: str, body: dict[str, Any]
) -> KubeObject:
    """An object that stands in no file any more, as errors name it."""
    return KubeObject(
        file=f"namespace {namespace}" if namespace else "the cluster",
        api_version=version,
        kind=kind,
        name=name,
        namespace=namespace,
        body=body,
    )
