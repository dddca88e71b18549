"""What an API server would not take, asked before anything is changed."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from kubernetes_asyncio.client import ApiException

from shipway.errors import RefuseError
from shipway.kubernetes.apply import FIELD_MANAGER
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.objects import KubeObject
from shipway.kubernetes.refused import refused, words_of

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
    kinds = {_kind_of(one) for one in objects if one.kind == "CustomResourceDefinition"}
    spaces = {one.name for one in objects if one.kind == "Namespace"}
    found: dict[str, str] = {}
    for one in objects:
        title = f"{one.file}: {one.title}"
        try:
            resource = await client.resource(one.api_version, one.kind)
            place = (one.namespace or namespace) if resource.namespaced else None
            await client.apply(one.body, place, FIELD_MANAGER, dry_run=True)
        except RefuseError as error:
            if one.kind not in kinds:
                found[title] = error.what
        except ApiException as error:
            words = words_of(error)
            new = error.status == HTTPStatus.NOT_FOUND and (one.namespace or namespace) in spaces
            if new or _CANNOT_BE_ASKED in words:
                continue
            if not isinstance(refused(error, one.title, one.file), RefuseError):
                raise refused(error, one.title, one.file) from error
            found[title] = words
    return found


def _kind_of(definition: KubeObject) -> str:
    return str(definition.body.get("spec", {}).get("names", {}).get("kind", ""))
