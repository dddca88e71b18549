"""Whether an HTTP client's error says that the server is away, and may answer later."""

from __future__ import annotations

import httpx


def is_away(error: Exception) -> bool:
    """Whether nothing came back, or the server said that it cannot answer now (5xx)."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.is_server_error
    return isinstance(error, httpx.HTTPError)
