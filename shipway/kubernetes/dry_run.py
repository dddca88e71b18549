"""What an API server would not take, asked before anything is changed."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from kubernetes_asyncio.client import ApiException

from shipway.errors import RefuseError
from shipway.kubernetes.apply import FIELD_MANAGER
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.objects import KubeObject
from shipway.kubernetes.refused import is_passing, refused, words_about, words_of

# A webhook that acts on the outside cannot be asked without its acting.
_CANNOT_BE_ASKED = "does not support dry run"


async def refusals(
    client: KubeClient, namespace: str, objects: Sequence[KubeObject]
) -> dict[str, str]:
    """Why the API server would refuse objects, by file and title; empty where it takes them all.

    What needs a namespace or a kind that is itself among the objects cannot be asked yet.

    Args:
        client: The cluster.
        namespace: Namespace of every object that names none.
        objects: All of a folder.

    Raises:
        RetryError: The API server is overloaded or fails.
    """
    kinds = {_kind_of(each) for each in objects if each.kind == "CustomResourceDefinition"}
    namespaces = {each.name for each in objects if each.kind == "Namespace"}
    reasons: dict[str, str] = {}
    for each in objects:
        title = f"{each.file}: {each.title}"
        try:
            resource = await client.resource(each.api_version, each.kind)
            where = (each.namespace or namespace) if resource.namespaced else None
            await client.apply(each.body, where, FIELD_MANAGER, dry_run=True)
        except RefuseError as error:
            if each.kind not in kinds:
                reasons[title] = error.what
        except ApiException as error:
            words = words_about(error, each)
            not_found = error.status == HTTPStatus.NOT_FOUND
            if not_found and (each.namespace or namespace) in namespaces:
                continue
            if _CANNOT_BE_ASKED in words_of(error):
                continue
            if is_passing(error):
                raise refused(error, each) from error
            reasons[title] = words
    return reasons


def _kind_of(definition: KubeObject) -> str:
    """The kind that a CustomResourceDefinition defines."""
    return str(definition.body.get("spec", {}).get("names", {}).get("kind", ""))
