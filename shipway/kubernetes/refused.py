"""What an API server says when it does not take an object, and what follows from it."""

from __future__ import annotations

import json
import re
from http import HTTPStatus

from kubernetes_asyncio.client import ApiException

from shipway.errors import RefuseError, RetryError, ShipwayError
from shipway.kubernetes.confidential import confidential_paths, named_fields
from shipway.kubernetes.objects import KubeObject

# What does not fit the kind's schema is answered as if the server had failed.
_DOES_NOT_FIT = ("failed to create typed patch object", "failed to convert new object")

# RBAC's words. Admission answers with the same status, and then the manifest is at fault.
_NO_RIGHT = re.compile(r'User "[^"]*" cannot \w+ resource')


def refused(error: ApiException, desired: KubeObject) -> ShipwayError:
    """The error to raise: one to try again where the server is overloaded or fails."""
    words = words_about(error, desired)
    if is_passing(error):
        return RetryError(
            f"The API server cannot take {desired.title} now.",
            where=desired.file,
            got=words if words.startswith("HTTP") else f"HTTP {error.status}: {words}",
            untouched="this object and those after it",
        )
    return RefuseError(
        f"The API server does not accept {desired.title}.",
        where=desired.file,
        got=words,
        untouched="this object and those after it",
        remedy="give the account of the Cluster block that right"
        if _NO_RIGHT.search(words_of(error))
        else "correct the manifest in the ops repository",
    )


def is_passing(error: ApiException) -> bool:
    """Whether the server is overloaded or fails, so that it may take the object later."""
    status = int(error.status or 0)
    failing = status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return failing and not _does_not_fit(error)


def is_invalid(error: ApiException) -> bool:
    """Whether it is the object that is wrong, whoever sends it and wherever it goes."""
    invalid = int(error.status or 0) in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}
    return invalid or _does_not_fit(error)


def words_about(error: ApiException, desired: KubeObject) -> str:
    """The message of an error about an object; about one with secrets, status and fields alone.

    Whoever writes the message may quote the object: a decoder, a validation, a webhook.
    """
    words = words_of(error)
    if not confidential_paths(desired.body):
        return words
    fields = ", ".join(named_fields(words, desired.body))
    where = f" at {fields}" if fields else ""
    return f"HTTP {error.status}{where}; the server's words are hidden, they may quote the object"


def words_of(error: ApiException) -> str:
    """The message of an error that is about no object, or about one without secrets."""
    return str(_status_of(error).get("message") or error.reason or error)


def _does_not_fit(error: ApiException) -> bool:
    return any(words in words_of(error) for words in _DOES_NOT_FIT)


def _status_of(error: ApiException) -> dict[str, object]:
    try:
        status = json.loads(str(error.body))
    except ValueError:
        return {}
    return status if isinstance(status, dict) else {}
