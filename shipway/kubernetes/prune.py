"""Delete the members of a set that do not stand in Git any more."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Set
from http import HTTPStatus
from typing import NamedTuple

from kubernetes_asyncio.client import ApiException

from shipway.kubernetes.annotations import KEEP, is_asked
from shipway.kubernetes.client import KubeClient, Object
from shipway.kubernetes.membership import MEMBER, Identity, is_marked
from shipway.kubernetes.objects import KubeObject
from shipway.kubernetes.refused import refused

# Deleted by people alone: the first takes everything in it along, the others their data.
PEOPLES = frozenset({"Namespace", "PersistentVolume", "PersistentVolumeClaim"})


class Member(NamedTuple):
    """An object that Shipway itself marked as a set's."""

    version: str
    identity: Identity
    body: Object

    @property
    def title(self) -> str:
        """Kind and name as kubectl writes them."""
        return f"{self.identity.kind}/{self.identity.name}"

    @property
    def is_kept(self) -> bool:
        """Whether its annotation says that it stays."""
        return is_asked(self.body, KEEP)


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
    async for member in members(client, set_id, kinds - PEOPLES, namespaces):
        stands = member.identity in keep or member.body["metadata"]["uid"] in keep_uids
        if not stands and not member.is_kept:
            await delete(client, member)
            titles.append(member.title)
    return titles


async def members(
    client: KubeClient, set_id: str, kinds: Set[str], namespaces: Set[str]
) -> AsyncGenerator[Member]:
    """The members of a set, kind by kind; each is there when it is told.

    Args:
        client: The cluster.
        set_id: Value of the label that members have.
        kinds: The kinds to look through, each as `Kind.group`.
        namespaces: The namespaces to look through.

    Raises:
        RefuseError: The API server does not list a kind.
        RetryError: The API server is overloaded or fails.
    """
    for group_kind in sorted(kinds):
        kind, _, group = group_kind.partition(".")
        version = await _version(client, group, kind)
        if version is None:
            continue
        namespaced = (await client.resource(version, kind)).namespaced
        for namespace in sorted(namespaces) if namespaced else [None]:
            for body in await _marked(client, version, kind, namespace, set_id):
                identity = Identity(group, kind, namespace, body["metadata"]["name"])
                yield Member(version, identity, body)


async def delete(client: KubeClient, member: Member) -> None:
    """Delete an object, if nobody else has done so.

    Raises:
        RefuseError: The API server does not delete it.
        RetryError: The API server is overloaded or fails.
    """
    version, identity, body = member
    try:
        await client.delete(version, identity.kind, identity.name, identity.namespace)
    except ApiException as error:
        if error.status != HTTPStatus.NOT_FOUND:
            named = _named(version, identity.kind, identity.namespace, identity.name, body)
            raise refused(error, named) from error


async def _version(client: KubeClient, group: str, kind: str) -> str | None:
    try:
        return await client.served_version(group, kind)
    except ApiException as error:
        raise refused(error, _named(group, kind, None, "(all)", {})) from error


async def _marked(
    client: KubeClient, version: str, kind: str, namespace: str | None, set_id: str
) -> list[Object]:
    """The objects that are marked as the set's; none where the kind went in this very pass."""
    try:
        labelled = await client.list(version, kind, namespace, f"{MEMBER}={set_id}")
    except ApiException as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return []
        raise refused(error, _named(version, kind, namespace, "(all)", {})) from error
    return [body for body in labelled if is_marked(body)]


def _named(version: str, kind: str, namespace: str | None, name: str, body: Object) -> KubeObject:
    """An object that stands in no file any more, as errors name it."""
    return KubeObject(
        file=f"namespace {namespace}" if namespace else "the cluster",
        api_version=version,
        kind=kind,
        name=name,
        namespace=namespace,
        body=body,
    )
