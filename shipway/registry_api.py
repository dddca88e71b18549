"""Questions to a registry by the OCI distribution API: where it is, who asks, and when again."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from http import HTTPStatus
from typing import Any, NamedTuple

import httpx
from httpx_retries import Retry, aretry_request
from pydantic import BaseModel, ConfigDict, SecretStr

from shipway.errors import RefuseError, RetryError

_TIMEOUT_SECONDS = 20
_DOCKER_HUB = frozenset({"docker.io", "index.docker.io"})
_DOCKER_HUB_API = "registry-1.docker.io"
# What logins to Docker Hub are filed under.
_DOCKER_HUB_LOGIN = "https://index.docker.io/v1/"
INDEX = "application/vnd.oci.image.index.v1+json"
_READS = {
    "Accept": ", ".join(
        (
            "application/vnd.oci.image.manifest.v1+json",
            "application/vnd.docker.distribution.manifest.v2+json",
            INDEX,
            "application/vnd.docker.distribution.manifest.list.v2+json",
        )
    )
}
# RFC 7235: a scheme, then names with a value that may stand in quotes.
_BEARER = re.compile(r"\bbearer\s+(.*)", re.IGNORECASE | re.DOTALL)
_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))')
# One that is down is left to whoever asks: these may be better in a moment.
_RETRY = Retry(
    total=4,
    allowed_methods=["GET", "PUT", "DELETE"],
    status_forcelist=[
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    ],
    retry_on_exceptions=[httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError],
    backoff_factor=0.2,
    max_backoff_wait=60,
)


class NoDeletionError(RefuseError):
    """The registry lets nobody remove anything."""


class Login(BaseModel):
    """A user of a registry, with a password or token."""

    model_config = ConfigDict(frozen=True)

    username: str
    password: SecretStr

    def basic(self) -> httpx.BasicAuth:
        """The login as a request carries it."""
        return httpx.BasicAuth(self.username, self.password.get_secret_value())

    def docker_config(self, address: str) -> str:
        """The login to a registry, as Docker's clients read it from a config.json.

        Args:
            address: Of the registry: its host, with or without what follows.
        """
        host = endpoint_of(f"{address}/any")[0]
        key = _DOCKER_HUB_LOGIN if host == _DOCKER_HUB_API else host
        pair = f"{self.username}:{self.password.get_secret_value()}"
        auth = base64.b64encode(pair.encode()).decode("ascii")
        return json.dumps({"auths": {key: {"auth": auth}}})


class Manifest(NamedTuple):
    """A manifest as the registry has it.

    Attributes:
        body: Its JSON.
        content: Its bytes.
        digest: Of its bytes.
        media_type: What it is: an image or an index.
    """

    body: dict[str, Any]
    content: bytes
    digest: str
    media_type: str


def endpoint_of(repository: str) -> tuple[str, str]:
    """The host whose API has a repository, and its name there.

    As the `reference` package of Docker's distribution reads it: without a host, it is Docker Hub.
    """
    host, slash, name = repository.partition("/")
    is_host = bool(slash) and (bool({".", ":"} & set(host)) or host == "localhost")
    if is_host and host not in _DOCKER_HUB:
        return host, name
    name = name if is_host else repository
    return _DOCKER_HUB_API, name if "/" in name else f"library/{name}"


class RegistryApi:
    """One repository of a registry."""

    def __init__(self, client: httpx.AsyncClient, name: str, login: Login | None) -> None:
        self._client = client
        self._name = name
        self._login = login

    async def manifest(self, reference: str) -> Manifest | None:
        """A manifest by tag or digest; None where there is none.

        Raises:
            RetryError: The registry cannot be reached or is overloaded.
            RefuseError: It denies access, or what it says is no manifest.
        """
        answer = await self._ask("GET", f"/v2/{self._name}/manifests/{reference}")
        if answer is None:
            return None
        body = _object_of(answer)
        told = answer.headers.get("Content-Type", "").partition(";")[0]
        return Manifest(
            body=body,
            content=answer.content,
            digest=_digest_of(answer),
            media_type=str(body.get("mediaType") or told),
        )

    async def put_manifest(self, reference: str, content: bytes, media_type: str) -> str:
        """Store a manifest of what is there under a tag; return its digest.

        Raises:
            RetryError: The registry cannot be reached or is overloaded, or takes no such manifest.
            RefuseError: It denies access.
        """
        path = f"/v2/{self._name}/manifests/{reference}"
        if await self._ask("PUT", path, content, {"Content-Type": media_type}) is None:
            raise RefuseError("The registry has no such repository.", where=path)
        return f"sha256:{hashlib.sha256(content).hexdigest()}"

    async def put_index(self, reference: str, entries: list[dict[str, Any]]) -> str:
        """Store an index of manifests that are there under a tag; return its digest.

        Raises:
            RetryError: The registry cannot be reached or is overloaded, or takes no index.
            RefuseError: It denies access.
        """
        body = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
        return await self.put_manifest(reference, json.dumps(body).encode(), INDEX)

    async def blob(self, digest: str) -> dict[str, Any] | None:
        """A blob that is JSON; None where it is not there.

        Raises:
            RetryError: The registry cannot be reached or is overloaded.
            RefuseError: It denies access, or the blob is something else.
        """
        answer = await self._ask("GET", f"/v2/{self._name}/blobs/{digest}")
        return None if answer is None else _object_of(answer)

    async def tags(self) -> list[str]:
        """Every tag of the repository; none where there is no such repository.

        Raises:
            RetryError: The registry cannot be reached or is overloaded.
            RefuseError: It denies access, or what it says is no list of tags.
        """
        tags, path = list[str](), f"/v2/{self._name}/tags/list"
        while answer := await self._ask("GET", path):
            tags += _object_of(answer).get("tags") or []
            following = answer.links.get("next", {}).get("url")
            if following is None:
                break
            path = str(answer.url.join(following).raw_path, "ascii")
        return tags

    async def delete(self, digest: str) -> None:
        """Remove a manifest, and with it every tag that leads to it; nothing where it is gone.

        Raises:
            NoDeletionError: The registry lets nobody remove anything.
            RetryError: The registry cannot be reached or is overloaded.
            RefuseError: It denies access.
        """
        await self._ask("DELETE", f"/v2/{self._name}/manifests/{digest}")

    async def _ask(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        headers: Mapping[str, str] = _READS,
    ) -> httpx.Response | None:
        """One question, as whoever may ask it; None where the registry has no such thing."""

        async def ask(authorization: Mapping[str, str]) -> httpx.Response:
            return await aretry_request(
                self._client,
                method,
                path,
                headers={**headers, **authorization},
                content=content,
                retry=_RETRY,
            )

        try:
            answer = await ask({})
            if answer.status_code == HTTPStatus.UNAUTHORIZED:
                answer = await ask(await self._authorization(answer))
        except httpx.HTTPError as error:
            raise RetryError(
                "The registry cannot be reached.",
                where=str(self._client.base_url.join(path)),
                got=f"{type(error).__name__}: {error}",
                untouched="everything: nothing was built, pushed or committed",
                remedy="check that it runs and the address of the Registry block in the Prefect UI",
            ) from error
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        if method == "DELETE" and answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            raise NoDeletionError(
                "The registry lets nobody remove images.",
                where=str(answer.url),
                got=f"HTTP {answer.status_code}",
                untouched="this image, and all others",
                remedy="allow it, for Docker's registry with REGISTRY_STORAGE_DELETE_ENABLED=true, "
                "or leave it to the registry's own rules for what Git does not name",
            )
        if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise RefuseError(
                "The registry denies access.",
                where=str(answer.url),
                got=f"HTTP {answer.status_code}",
                remedy="check the credentials of the Registry block in the Prefect UI",
            )
        if answer.is_error:
            raise RetryError(
                "The registry answers with an error.",
                where=str(answer.url),
                got=f"HTTP {answer.status_code}: {answer.text[:500]}",
            )
        return answer

    async def _authorization(self, answer: httpx.Response) -> dict[str, str]:
        """The header that answers a challenge: basic, or a token from the realm that it names."""
        basic = self._login.basic() if self._login else None
        bearer = _BEARER.search(answer.headers.get("WWW-Authenticate", ""))
        if bearer is None:
            if basic is None:
                return {}
            request = next(basic.auth_flow(httpx.Request("GET", answer.url)))
            return {"Authorization": request.headers["Authorization"]}
        facts = {
            name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(bearer[1])
        }
        token = await aretry_request(
            self._client,
            "GET",
            facts.pop("realm", ""),
            params={name: facts[name] for name in ("service", "scope") if name in facts},
            auth=basic or httpx.USE_CLIENT_DEFAULT,
            retry=_RETRY,
        )
        if token.is_error:
            return {}
        body = _object_of(token)
        return {"Authorization": f"Bearer {body.get('token') or body.get('access_token')}"}


@asynccontextmanager
async def registry_api(
    repository: str, login: Login | None, *, insecure: bool
) -> AsyncGenerator[RegistryApi]:
    """The API of the registry that has a repository.

    Args:
        repository: Its name, with the host as images are named.
        login: Who asks, where the registry wants to know.
        insecure: Plain http.
    """
    host, name = endpoint_of(repository)
    async with httpx.AsyncClient(
        base_url=f"{'http' if insecure else 'https'}://{host}",
        timeout=_TIMEOUT_SECONDS,
        follow_redirects=True,
        verify=_trusted(),
    ) as client:
        yield RegistryApi(client, name, login)


@cache
def _trusted() -> ssl.SSLContext:
    """Whom httpx trusts, read once: it takes as long as a dozen requests."""
    return httpx.create_ssl_context()


def _digest_of(answer: httpx.Response) -> str:
    """The digest of a manifest's bytes, whether or not the registry tells it."""
    digest = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
    told = answer.headers.get("Docker-Content-Digest", digest)
    if told != digest:
        raise RefuseError(
            "The manifest is not what its digest says.",
            where=str(answer.url),
            expected=told,
            got=digest,
            remedy="look for a proxy that changes what the registry sends",
        )
    return digest


def _object_of(answer: httpx.Response) -> dict[str, Any]:
    """The JSON object that an answer is."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    if isinstance(body, dict) and body:
        return body
    raise RefuseError(
        "What answers is no registry.",
        where=str(answer.url),
        expected="JSON of the OCI distribution API",
        got=answer.text[:200],
        remedy="check the address of the Registry block in the Prefect UI",
    )
