"""What an API server would not take, asked before anything is changed."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from kubernetes_asyncio.client import ApiException

from shipway.errors import RefuseError
from shipway.kubernetes.annotations import CREATE_ONCE, REPLACE, is_asked
from shipway.kubernetes.client import KubeClient, Object
from shipway.kubernetes.ignored import Ignored, ignored_fields, with_live_values
from shipway.kubernetes.membership import FIELD_MANAGER, identities
from shipway.kubernetes.objects import KubeObject
from shipway.kubernetes.refused import is_invalid, is_passing, refused, words_about, words_of
from shipway.kubernetes.replacing import REMEDY, is_immutable

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
        RefuseError: An object stands twice, or cannot do without a field that it ignores.
        RetryError: The API server is overloaded or fails.
    """
    kinds = {_kind_of(each) for each in objects if each.kind == "CustomResourceDefinition"}
    namespaces = {each.name for each in objects if each.kind == "Namespace"}
    known_as = await identities(client, objects, namespace)
    ignored = ignored_fields(objects, known_as)
    reasons: dict[str, str] = {}
    for each, identity in zip(objects, known_as, strict=True):
        title = f"{each.file}: {each.title}"
        try:
            reason = await _reason(
                client, each, identity.namespace, ignored[identity], namespaces, admission=admission
            )
        except RefuseError as unknown_kind:
            if each.kind in kinds:
                continue
            reason = unknown_kind.what
        if reason is not None:
            reasons[title] = reason
    return reasons


async def _reason(
    client: KubeClient,
    each: KubeObject,
    where: str | None,
    ignored: Ignored,
    made: set[str],
    *,
    admission: bool,
) -> str | None:
    """Why the server would refuse an object; None where it would take it."""
    try:
        live = await client.get(each.api_version, each.kind, each.name, where)
    except ApiException as error:
        raise refused(error, each) from error
    if live is not None and is_asked(each.body, CREATE_ONCE):
        return None
    body = each.body
    if live is not None:
        body = with_live_values(body, live, ignored.fields(body, live))
    error = await _refusal(client, body, where, made)
    if error is None or _CANNOT_BE_ASKED in words_of(error):
        return None
    if is_passing(error):
        raise refused(error, each) from error
    if live is not None and await is_immutable(client, error, body, where):
        asked = is_asked(each.body, REPLACE)
        return None if asked else f"{words_about(error, each)}; {REMEDY}"
    return words_about(error, each) if admission or is_invalid(error) else None


async def _refusal(
    client: KubeClient, body: Object, where: str | None, made: set[str]
) -> ApiException | None:
    """The error with which the server would refuse a body; None where it would take it.

    Args:
        client: The cluster.
        body: What would be applied.
        where: Its namespace.
        made: The namespaces that the folder makes.
    """
    try:
        await client.apply(body, where, FIELD_MANAGER, dry_run=True)
    except ApiException as error:
        if error.status == HTTPStatus.NOT_FOUND and where in made:
            return await _invalidity(client, body)
        return error
    return None


async def _invalidity(client: KubeClient, body: Object) -> ApiException | None:
    """The error for an object that is valid in no namespace."""
    metadata = {**body["metadata"], "namespace": _STAND_IN}
    try:
        await client.validate({**body, "metadata": metadata}, _STAND_IN)
    except ApiException as error:
        return error if is_invalid(error) or is_passing(error) else None
    return None


def _kind_of(definition: KubeObject) -> str:
    """The kind that a CustomResourceDefinition defines."""
    return str(definition.body.get("spec", {}).get("names", {}).get("kind", ""))
