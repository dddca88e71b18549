"""What an API server would not take, asked before anything is changed."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from kubernetes_asyncio.client import ApiException

from shipway.errors import RefuseError
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.membership import FIELD_MANAGER
from shipway.kubernetes.objects import KubeObject
from shipway.kubernetes.refused import is_invalid, is_passing, refused, words_about, words_of

# A webhook that acts on the outside cannot be asked without its acting.
_CANNOT_BE_ASKED = "does not support dry run"
# It is in every cluster, and stands in for a namespace that is not there yet.
_STAND_IN = "default"


async def refusals(
    client: KubeClient, namespace: str, objects: Sequence[KubeObject], *, admission: bool = True
) -> dict[str, str]:
    """Why the API server would refuse objects, by file and title; empty where it takes them all.

    What goes into a namespace that is itself among the objects, and not there yet, is validated in
    the namespace `default`; what that one does not admit says nothing. What is of a kind that is
    itself among the objects cannot be asked yet.

    Args:
        client: The cluster.
        namespace: Namespace of every object that names none.
        objects: All of a folder.
        admission: Whether what is valid may be refused, such as by a policy on images.

    Raises:
        RetryError: The API server is overloaded or fails.
    """
    kinds = {_kind_of(each) for each in objects if each.kind == "CustomResourceDefinition"}
    namespaces = {each.name for each in objects if each.kind == "Namespace"}
    reasons: dict[str, str] = {}
    for each in objects:
        title = f"{each.file}: {each.title}"
        try:
            error = await _refusal(client, each, namespace, namespaces)
        except RefuseError as unknown_kind:
            if each.kind not in kinds:
                reasons[title] = unknown_kind.what
            continue
        if error is None or _CANNOT_BE_ASKED in words_of(error):
            continue
        if is_passing(error):
            raise refused(error, each) from error
        if admission or is_invalid(error):
            reasons[title] = words_about(error, each)
    return reasons


async def _refusal(
    client: KubeClient, each: KubeObject, namespace: str, made: set[str]
) -> ApiException | None:
    """The error with which the server would refuse an object; None where it would take it.

    Args:
        client: The cluster.
        each: The object.
        namespace: Its namespace, if it names none.
        made: The namespaces that the folder makes.
    """
    resource = await client.resource(each.api_version, each.kind)
    where = (each.namespace or namespace) if resource.namespaced else None
    try:
        await client.apply(each.body, where, FIELD_MANAGER, dry_run=True)
    except ApiException as error:
        if error.status == HTTPStatus.NOT_FOUND and where in made:
            return await _invalidity(client, each)
        return error
    return None


async def _invalidity(client: KubeClient, each: KubeObject) -> ApiException | None:
    """The error for an object that is valid in no namespace."""
    metadata = {**each.body["metadata"], "namespace": _STAND_IN}
    try:
        await client.validate({**each.body, "metadata": metadata}, _STAND_IN)
    except ApiException as error:
        return error if is_invalid(error) or is_passing(error) else None
    return None


def _kind_of(definition: KubeObject) -> str:
    """The kind that a CustomResourceDefinition defines."""
    return str(definition.body.get("spec", {}).get("names", {}).get("kind", ""))
