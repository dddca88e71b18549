"""Images in a registry that speaks the OCI distribution API."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from docker import DockerClient
from docker.errors import APIError
from pydantic import BaseModel, ConfigDict, SecretStr

from shipway.errors import FailError, RefuseError, RetryError
from shipway.image_ref import ImageRef

_MANIFESTS = ", ".join(
    (
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    )
)
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


class Stored(BaseModel):
    """An image that the registry holds."""

    model_config = ConfigDict(frozen=True)

    ref: ImageRef
    labels: dict[str, str]


class Pushed(BaseModel):
    """The image in the registry, and whether this run put it there."""

    model_config = ConfigDict(frozen=True)

    image: ImageRef
    new: bool


class Login(BaseModel):
    """A user of a registry, with a password or token."""

    model_config = ConfigDict(frozen=True)

    username: str
    password: SecretStr


class Registry(BaseModel):
    """An image registry and the namespace in it that releases are pushed to.

    Attributes:
        address: Host, port and namespace, without a scheme.
        insecure: Plain http, for a registry on this machine.
        login: Who asks and pushes, where the registry wants to know.
    """

    model_config = ConfigDict(frozen=True)

    address: str
    insecure: bool = False
    login: Login | None = None

    def image(self, app: str, revision: str) -> ImageRef:
        """The immutable tag of one revision of one app."""
        return ImageRef(repository=f"{self.address}/{app}", tag=revision)

    async def find(self, image: ImageRef) -> Stored | None:
        """Ask the registry for a tag; None where it has none such.

        Raises:
            RetryError: The registry cannot be reached or is overloaded.
            RefuseError: It denies access.
        """
        async with self._client() as client:
            name = self._name(image)
            answer = await self._get(client, f"/v2/{name}/manifests/{image.tag}")
            if answer is None:
                return None
            digest = answer.headers.get("Docker-Content-Digest")
            manifest: dict[str, Any] = answer.json()
            if "manifests" in manifest:
                child = manifest["manifests"][0]["digest"]
                answer = await self._get(client, f"/v2/{name}/manifests/{child}")
                manifest = answer.json() if answer else {}
            config = await self._get(client, f"/v2/{name}/blobs/{manifest['config']['digest']}")
            labels = (config.json().get("config") or {}).get("Labels") if config else None
        return Stored(ref=image.model_copy(update={"digest": digest}), labels=labels or {})

    async def push(self, client: DockerClient, image_id: str, image: ImageRef) -> ImageRef:
        """Push a local image under a tag; return the reference with the digest it got.

        Raises:
            RetryError: The registry cannot be reached.
            RefuseError: It denies access.
            FailError: It does not take the image.
        """
        return await asyncio.to_thread(self._push, client, image_id, image)

    def _push(self, client: DockerClient, image_id: str, image: ImageRef) -> ImageRef:
        digest: str | None = None
        try:
            client.images.get(image_id).tag(image.repository, image.tag)
            for line in client.api.push(
                image.repository,
                tag=image.tag,
                stream=True,
                decode=True,
                auth_config=self._auth(),
            ):
                if problem := line.get("error"):
                    raise self._refused(str(problem), image)
                digest = (line.get("aux") or {}).get("Digest", digest)
        except APIError as error:
            raise self._refused(str(error.explanation or error), image) from error
        if digest is None:
            raise FailError("The registry did not say which digest it stored.", where=str(image))
        return image.model_copy(update={"digest": digest})

    def _refused(self, words: str, image: ImageRef) -> Exception:
        untouched = "the ops repository and the cluster"
        if re.search(r"denied|unauthorized|forbidden", words, re.IGNORECASE):
            return RefuseError(
                "The registry denies the push.",
                where=str(image),
                got=words,
                untouched=untouched,
                remedy="check the credentials of the Registry block in the Prefect UI",
            )
        if re.search(r"refused|timeout|timed out|EOF|no such host|status: 5\d\d", words):
            return RetryError(
                "The registry cannot be reached.", where=str(image), got=words, untouched=untouched
            )
        return FailError(
            "The registry does not take the image.",
            where=str(image),
            got=words,
            untouched=untouched,
        )

    def _auth(self) -> dict[str, str]:
        if self.login is None:
            # An empty config keeps docker-py from reading the user's own ~/.docker/config.json.
            return {}
        return {
            "username": self.login.username,
            "password": self.login.password.get_secret_value(),
        }

    def _name(self, image: ImageRef) -> str:
        return image.repository.split("/", 1)[1]

    @asynccontextmanager
    async def _client(self) -> AsyncGenerator[httpx.AsyncClient]:
        scheme = "http" if self.insecure else "https"
        host = self.address.split("/", 1)[0]
        async with httpx.AsyncClient(
            base_url=f"{scheme}://{host}", timeout=20, follow_redirects=True, trust_env=True
        ) as client:
            yield client

    async def _get(self, client: httpx.AsyncClient, path: str) -> httpx.Response | None:
        headers = {"Accept": _MANIFESTS}
        try:
            answer = await client.get(path, headers=headers)
            if answer.status_code == 401:
                authorization = await self._authorize(client, answer)
                answer = await client.get(path, headers=headers | authorization)
        except httpx.HTTPError as error:
            raise RetryError(
                "The registry cannot be reached.",
                where=str(client.base_url.join(path)),
                got=f"{type(error).__name__}: {error}",
                untouched="everything: nothing was built, pushed or committed",
                remedy="check that it runs and the address of the Registry block in the Prefect UI",
            ) from error
        if answer.status_code == 404:
            return None
        if answer.status_code in {401, 403}:
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

    async def _authorize(self, client: httpx.AsyncClient, answer: httpx.Response) -> dict[str, str]:
        """The header that answers a challenge: basic, or a token from the realm that it names."""
        challenge = answer.headers.get("WWW-Authenticate", "")
        basic = (
            httpx.BasicAuth(self.login.username, self.login.password.get_secret_value())
            if self.login
            else None
        )
        if not challenge.lower().startswith("bearer"):
            if basic is None:
                return {}
            request = next(basic.auth_flow(httpx.Request("GET", answer.url)))
            return {"Authorization": request.headers["Authorization"]}
        facts = dict(_CHALLENGE.findall(challenge))
        realm = facts.pop("realm", "")
        token = await client.get(realm, params=facts, auth=basic or httpx.USE_CLIENT_DEFAULT)
        if token.is_error:
            return {}
        body = token.json()
        return {"Authorization": f"Bearer {body.get('token') or body.get('access_token')}"}
