"""What an object is to the API server, whatever its manifest says, and what marks it as a set's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kubernetes_asyncio.client import ApiException

from shipway.errors import RefuseError
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.objects import KubeObject, stands_twice
from shipway.kubernetes.refused import refused

FIELD_MANAGER = "shipway"
MEMBER = "applyset.kubernetes.io/part-of"


class Identity(NamedTuple):
    """Equal for one object, in whatever version and with whatever namespace it is written.

    Attributes:
        namespace: None where the kind has no namespaces.
    """

    group: str
    kind: str
    namespace: str | None
    name: str


async def identity_of(client: KubeClient, each: KubeObject, namespace: str) -> Identity:
    """The identity of an object by the scope that the API server gives its kind.

    Args:
        client: The cluster.
        each: The object.
        namespace: Its namespace, if it names none.

    Raises:
        RefuseError: The cluster does not serve the kind.
        RetryError: The API server is overloaded or fails.
    """
    try:
        resource = await client.resource(each.api_version, each.kind)
    except ApiException as error:
        raise refused(error, each) from error
    where = (each.namespace or namespace) if resource.namespaced else None
    return Identity(each.group, each.kind, where, each.name)


async def identities(
    client: KubeClient, objects: Sequence[KubeObject], namespace: str
) -> list[Identity]:
    """The identities of a folder's objects, before anything of it is applied.

    A kind that is not served yet has the scope that its definition in the folder says.

    Raises:
        RefuseError: An object stands twice.
        RetryError: The API server is overloaded or fails.
    """
    cluster_wide = {
        _defined(each.body["spec"])
        for each in objects
        if each.kind == "CustomResourceDefinition"
        if (each.body.get("spec") or {}).get("scope") == "Cluster"
    }
    first: dict[Identity, KubeObject] = {}
    for each in objects:
        try:
            identity = await identity_of(client, each, namespace)
        except RefuseError:
            known = (each.group, each.kind) in cluster_wide
            where = None if known else each.namespace or namespace
            identity = Identity(each.group, each.kind, where, each.name)
        if identity in first:
            raise stands_twice(each, first[identity])
        first[identity] = each
    return list(first)


def marked(body: dict[str, Any], set_id: str | None) -> dict[str, Any]:
    """An object's body with the label of a set, if any; where it is sent to tells its namespace."""
    metadata = {key: value for key, value in body["metadata"].items() if key != "namespace"}
    if set_id is not None:
        metadata["labels"] = {**(metadata.get("labels") or {}), MEMBER: set_id}
    return {**body, "metadata": metadata}


def is_marked(body: Mapping[str, Any]) -> bool:
    """Whether Shipway itself marked an object as a set's.

    Controllers copy the labels of an object to what they make for it.
    """
    return any(
        f"f:{MEMBER}" in entry.get("fieldsV1", {}).get("f:metadata", {}).get("f:labels", {})
        for entry in body["metadata"].get("managedFields", [])
        if entry["manager"] == FIELD_MANAGER
    )


def _defined(spec: Mapping[str, Any]) -> tuple[str, str]:
    """Group and kind that the spec of a CustomResourceDefinition defines."""
    return str(spec.get("group")), str((spec.get("names") or {}).get("kind"))
