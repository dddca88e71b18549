"""The Prefect server, as the command asks it: over HTTP.

Prefect's own client takes longer to import than the server to answer.
"""

from __future__ import annotations

import base64
import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from pydantic import TypeAdapter, ValidationError

from shipway.errors import RefuseError, RetryError

_SECONDS = 30
_PAGE = 200
_NOT_FOUND = 404
_HEADERS = TypeAdapter(dict[str, str])
_LOGIN = "set PREFECT_API_KEY or PREFECT_API_AUTH_STRING to a login that it knows"
_EXAMPLE = "http://127.0.0.1:4200/api"


class PrefectServer:
    """A Prefect server.

    Args:
        url: Of its API.
        headers: What it wants to know of whoever asks.
        ui: Address of its UI.

    Attributes:
        ui: The same.
    """

    def __init__(self, url: str, headers: Mapping[str, str], ui: str) -> None:
        # Certificates take longer to read than such a server to answer.
        has_tls = not url.startswith("http://")
        self._http = httpx.Client(
            base_url=f"{url}/", headers=headers, timeout=_SECONDS, verify=has_tls
        )
        self._url, self.ui = url, ui

    def get(self, path: str) -> Any:
        """What there is; None where there is nothing.

        Raises:
            RetryError: The server does not answer.
            RefuseError: It refuses to.
        """
        return self._call("GET", path, None)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """What the server answers; None where there is no such thing.

        Raises:
            RetryError: The server does not answer.
            RefuseError: It refuses to.
        """
        return self._call("POST", path, body)

    def all(self, path: str, body: Mapping[str, Any]) -> list[Any]:
        """Everything that a filter finds, however much it is."""
        found: list[Any] = []
        while True:
            page = self.post(path, {**body, "limit": _PAGE, "offset": len(found)})
            found += page
            if len(page) < _PAGE:
                return found

    def address_of(self, run: str) -> str:
        """Where people look at a flow run."""
        return f"{self.ui}/runs/flow-run/{run}"

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        try:
            answer = self._http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise RetryError(
                "The Prefect server does not answer.",
                where=self._url,
                got=str(error) or type(error).__name__,
                remedy="start it, or set PREFECT_API_URL to another one",
            ) from error
        if answer.status_code == _NOT_FOUND:
            return None
        if answer.is_server_error:
            raise RetryError(
                "The Prefect server fails.",
                where=str(answer.url),
                got=f"{answer.status_code}: {answer.text[:500]}",
            )
        if answer.is_error:
            raise RefuseError(
                "The Prefect server refuses.",
                where=str(answer.url),
                got=f"{answer.status_code}: {_reason(answer)}",
                remedy=_LOGIN if answer.status_code in {401, 403} else None,
            )
        return answer.json() if answer.content else {}


def connect(env: Mapping[str, str] = os.environ) -> PrefectServer:
    """The server that Prefect's own settings name: the environment's, else the active profile's.

    Raises:
        RefuseError: They name none.
    """
    file = Path(
        env.get("PREFECT_PROFILES_PATH")
        or Path(env.get("PREFECT_HOME") or "~/.prefect", "profiles.toml")
    ).expanduser()
    known = {**_active_profile(file, env), **env}
    url = str(known.get("PREFECT_API_URL", "")).rstrip("/")
    if not url:
        raise RefuseError(
            "It is not known where the Prefect server is.",
            where=f"PREFECT_API_URL, and the active profile in {file}",
            expected=f"the address of its API, such as {_EXAMPLE}",
            remedy=f"export PREFECT_API_URL={_EXAMPLE}",
        )
    ui = str(known.get("PREFECT_UI_URL") or url.removesuffix("/api")).rstrip("/")
    return PrefectServer(url, _headers(known), ui)


def _active_profile(file: Path, env: Mapping[str, str]) -> dict[str, Any]:
    try:
        said = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise RefuseError(
            "Prefect's profiles cannot be read.", where=str(file), got=str(error)
        ) from error
    return said.get("profiles", {}).get(env.get("PREFECT_PROFILE") or said.get("active"), {})


def _headers(known: Mapping[str, Any]) -> dict[str, str]:
    name = "PREFECT_CLIENT_CUSTOM_HEADERS"
    try:
        headers = _HEADERS.validate_json(known.get(name) or "{}")
    except ValidationError as error:
        raise RefuseError(
            f"{name} cannot be read.", expected="a JSON object of texts", got=str(error)
        ) from error
    if key := known.get("PREFECT_API_KEY"):
        headers["Authorization"] = f"Bearer {key}"
    elif login := known.get("PREFECT_API_AUTH_STRING"):
        headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
    return headers


def _reason(answer: httpx.Response) -> str:
    try:
        said = answer.json()
    except ValueError:
        return answer.text[:500]
    detail = said.get("detail", said) if isinstance(said, dict) else said
    return detail if isinstance(detail, str) else json.dumps(detail)
