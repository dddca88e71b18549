"""Objects that the API server takes, but does not change: a Job's pods, a role's binding."""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus

from kubernetes_asyncio.client import ApiException

from shipway.errors import RefuseError, RetryError
from shipway.kubernetes.annotations import CREATE_ONCE, REPLACE
from shipway.kubernetes.client import KubeClient, Object
from shipway.kubernetes.membership import FIELD_MANAGER
from shipway.kubernetes.objects import KubeObject
from shipway.kubernetes.refused import is_invalid, words_about, words_of

REMEDY = (
    f'annotate it with {REPLACE}: "true" to have it deleted and made again, or with '
    f'{CREATE_ONCE}: "true" to leave it as it is once it is there; or give it another name'
)

_GONE_SECONDS = 30
_LOOK_SECONDS = 0.2


async def is_immutable(
    client: KubeClient, error: ApiException, body: Object, namespace: str | None
) -> bool:
    """Whether a change is refused of what would be taken as a new object.

    The server's words for it differ from kind to kind, so that it is asked.
    """
    invalid = error.status == HTTPStatus.UNPROCESSABLE_ENTITY
    if not invalid and "immutable" not in words_of(error):
        return False
    metadata = {key: value for key, value in body["metadata"].items() if key != "name"}
    as_new = {**body, "metadata": {**metadata, "generateName": "shipway-"}}
    try:
        await client.validate(as_new, namespace)
    except ApiException as of_new:
        # A quota or a policy that refuses it says nothing of the object itself.
        return not is_invalid(of_new)
    return True


def immutable(error: ApiException, desired: KubeObject) -> RefuseError:
    """The error for an object that would have to be replaced, where nobody asked for that."""
    return RefuseError(
        f"The API server does not change {desired.title}.",
        where=desired.file,
        got=words_about(error, desired),
        untouched="this object and those after it",
        remedy=REMEDY,
    )


async def replace(
    client: KubeClient, desired: KubeObject, body: Object, live: Object, namespace: str | None
) -> Object:
    """Delete an object and, once it is gone, make it again.

    Raises:
        RetryError: The old one does not go.
    """
    version, kind, name = desired.api_version, desired.kind, desired.name
    await client.delete(version, kind, name, namespace)
    until = time.monotonic() + _GONE_SECONDS
    while found := await client.get(version, kind, name, namespace):
        if found["metadata"]["uid"] != live["metadata"]["uid"]:
            break
        if time.monotonic() > until:
            raise RetryError(
                f"{desired.title} is to be replaced, and the old one does not go.",
                where=desired.file,
                expected=f"gone within {_GONE_SECONDS} s",
                got=f"finalizers {', '.join(found['metadata'].get('finalizers', [])) or 'none'}",
                untouched="those after it",
            )
        await asyncio.sleep(_LOOK_SECONDS)
    return await client.apply(body, namespace, FIELD_MANAGER)
