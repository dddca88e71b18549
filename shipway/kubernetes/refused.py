"""What an API server says when it does not take an object, and what follows from it."""

from __future__ import annotations

import json
from http import HTTPStatus

from kubernetes_asyncio.client import ApiException

from shipway.errors import RefuseError, RetryError, ShipwayError

# A field that the kind does not have is answered as if the server had failed.
_WRONG_FIELD = "failed to create typed patch object"


def refused(error: ApiException, title: str, where: str) -> ShipwayError:
    """The error to raise: one to try again where the server is overloaded or fails."""
    status = int(error.status or 0)
    failing = status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if failing and _WRONG_FIELD not in words_of(error):
        return RetryError(
            f"The API server cannot take {title} now.",
            where=where,
            got=f"HTTP {status}: {words_of(error)}",
            untouched="this object and those after it",
        )
    return RefuseError(
        f"The API server does not accept {title}.",
        where=where,
        got=words_of(error),
        untouched="this object and those after it",
        remedy="correct the manifest in the ops repository",
    )


def words_of(error: ApiException) -> str:
    """The message of an error."""
    try:
        return str(json.loads(str(error.body))["message"])
    except (ValueError, KeyError, TypeError):
        return str(error.reason or error)
