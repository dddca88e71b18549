"""Any object of a Kubernetes cluster, by apiVersion and kind.

kubernetes_asyncio has a dynamic client, but that one returns an error's Status as if it were the
object that was asked for (it never looks at the HTTP status); its ApiClient below does look.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, NamedTuple

import aiohttp
from kubernetes_asyncio.client import ApiClient, ApiException

from shipway.errors import RefuseError

Object = dict[str, Any]

# The kinds of PATCH: server-side apply, and a merge into what is there.
APPLY, MERGE = "application/apply-patch+yaml", "application/merge-patch+json"

# As client-go does it: https://pkg.go.dev/k8s.io/client-go/rest, Request.MaxRetries.
_RETRIES = 10
# Who is to wait for longer is told so instead.
_LONGEST_SECONDS = 30

# What a call may raise where the API server is not to be had, or not of that mind.
NO_ANSWER = (ApiException, aiohttp.ClientError, OSError, TimeoutError)


class Resource(NamedTuple):
    """Where the objects of a kind are found."""

    path: str
    plural: str
    namespaced: bool


class KubeClient:
    """Read, apply and delete objects; an answer that is an error raises ApiException."""

    def __init__(self, api: ApiClient) -> None:
        self.api = api
        self._known: dict[str, dict[str, Resource]] = {}
        self._date: str | None = None

    async def resource(self, api_version: str, kind: str) -> Resource:
        """Where the objects of a kind are.

        Raises:
            RefuseError: The cluster does not serve the kind.
        """
        try:
            return (await self._served(api_version))[kind]
        except KeyError:
            raise RefuseError(
                f"The cluster has no kind {kind!r}.",
                expected="a kind that the API server serves",
                got=f"{api_version} {kind}",
                remedy="install its CustomResourceDefinition, or correct apiVersion and kind",
            ) from None

    async def served_version(self, group: str, kind: str) -> str | None:
        """An apiVersion in which the cluster serves a kind, the group's preferred one if it can be.

        None where it does not serve the kind.
        """
        for version in await self._versions(group):
            if kind in await self._served(version):
                return version
        return None

    def forget_kinds(self) -> None:
        """Ask anew what is served: definitions come, go and change their scope."""
        self._known.clear()

    async def _versions(self, group: str) -> list[str]:
        """The apiVersions of a group, the preferred one first."""
        if not group:
            return ["v1"]
        versions: list[str] = []
        for served in (await self.call("GET", "/apis"))["groups"]:
            if served["name"] == group:
                versions = [one["groupVersion"] for one in served["versions"]]
                versions.sort(key=lambda one: one != served["preferredVersion"]["groupVersion"])
        return versions

    async def _served(self, api_version: str) -> dict[str, Resource]:
        """The kinds of an apiVersion; what is not served is asked for again the next time."""
        if api_version not in self._known:
            path = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
            try:
                served = (await self.call("GET", path))["resources"]
            except ApiException as error:
                if error.status != 404:
                    raise
                return {}
            self._known[api_version] = {
                kind_served["kind"]: Resource(path, kind_served["name"], kind_served["namespaced"])
                for kind_served in served
                if "/" not in kind_served["name"]
            }
        return self._known[api_version]

    async def get(
        self, api_version: str, kind: str, name: str, namespace: str | None
    ) -> Object | None:
        """One object, or None where it is not there."""
        try:
            return await self.call("GET", await self._path(api_version, kind, namespace, name))
        except ApiException as error:
            if error.status == 404:
                return None
            raise

    async def list(
        self, api_version: str, kind: str, namespace: str | None, selector: str
    ) -> list[Object]:
        """The objects that a label selector matches."""
        path = await self._path(api_version, kind, namespace)
        return (await self.call("GET", path, {"labelSelector": selector}))["items"]

    async def create(self, body: Object, namespace: str | None, manager: str) -> Object:
        """Create an object; fields that its kind does not have are dropped."""
        path = await self._path(body["apiVersion"], body["kind"], namespace)
        return await self.call("POST", path, {"fieldManager": manager}, body)

    async def validate(self, body: Object, namespace: str | None) -> None:
        """See whether an object could be created; nothing is, and no field may be unknown.

        Raises:
            ApiException: The object is not valid, or could not be created.
        """
        path = await self._path(body["apiVersion"], body["kind"], namespace)
        await self.call("POST", path, {"dryRun": "All", "fieldValidation": "Strict"}, body)

    async def apply(
        self, body: Object, namespace: str | None, manager: str, *, dry_run: bool = False
    ) -> Object:
        """Server-side apply, taking over the fields that others hold."""
        name = body["metadata"]["name"]
        path = await self._path(body["apiVersion"], body["kind"], namespace, name)
        query = {"fieldManager": manager, "force": "true"} | ({"dryRun": "All"} if dry_run else {})
        return await self.call("PATCH", path, query, body)

    async def annotate(
        self,
        api_version: str,
        kind: str,
        name: str,
        namespace: str | None,
        annotations: dict[str, str],
    ) -> None:
        """Set annotations of an object that is there; all else stays, whoever holds it."""
        path = await self._path(api_version, kind, namespace, name)
        await self.call("PATCH", path, None, {"metadata": {"annotations": annotations}}, MERGE)

    async def delete(self, api_version: str, kind: str, name: str, namespace: str | None) -> None:
        """Delete one object and, in the background, what it owns."""
        path = await self._path(api_version, kind, namespace, name)
        await self.call("DELETE", path, {"propagationPolicy": "Background"})

    async def call(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: Object | None = None,
        patch: str = APPLY,
    ) -> Any:
        """One request, sent again where the server asks for that; returns the answer's JSON.

        Args:
            method: HTTP's.
            path: From the API server's root.
            query: Parameters.
            body: What is sent, if anything.
            patch: Of a PATCH, what kind of one it is.

        Raises:
            ApiException: The server answers with an error.
        """
        headers = {"Accept": "application/json"}
        if method == "PATCH":
            headers["Content-Type"] = patch
        for _ in range(_RETRIES):
            try:
                return await self._send(method, path, query, body, headers)
            except ApiException as error:
                if (seconds := _asked_to_wait(error)) is None:
                    raise
                await asyncio.sleep(seconds)
        return await self._send(method, path, query, body, headers)

    async def _send(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None,
        body: Object | None,
        headers: dict[str, str],
    ) -> Any:
        answer, _, answer_headers = await self.api.call_api(
            path,
            method,
            query_params=list((query or {}).items()),
            header_params=headers,
            body=body,
            response_types_map={200: "object", 201: "object", 202: "object"},
            auth_settings=["BearerToken"],
            _return_http_data_only=False,
            _request_timeout=30,
        )
        self._date = answer_headers.get("Date")
        return answer

    def now(self) -> datetime:
        """The API server's time at its last answer; the clock of this machine may be wrong."""
        return parsedate_to_datetime(self._date) if self._date else datetime.now(UTC)

    def seconds_since(self, told: datetime) -> float:
        """How many seconds, at least, the API server's clock is past a time that it told.

        Both times are whole seconds: of the second that each may lack, one is left out.
        """
        return (self.now() - told).total_seconds() - 1

    async def text(self, path: str, seconds: float) -> tuple[int, str]:
        """Status and text of a page, such as one of a Service that the API server hands through.

        Raises:
            TimeoutError: There is no answer within that time.
        """
        try:
            answer = await self.api.call_api(
                path,
                "GET",
                auth_settings=["BearerToken"],
                _return_http_data_only=True,
                _preload_content=False,
                _request_timeout=seconds,
            )
        except ApiException as error:
            return error.status or 0, str(error.body or "")
        return answer.status, await answer.text()

    async def _path(
        self, api_version: str, kind: str, namespace: str | None, name: str | None = None
    ) -> str:
        """The path of an object, or of all objects of its kind."""
        resource = await self.resource(api_version, kind)
        parts = [resource.path]
        parts += ["namespaces", namespace] if resource.namespaced and namespace else []
        parts += [resource.plural] + ([name] if name else [])
        return "/".join(parts)


def _asked_to_wait(error: ApiException) -> int | None:
    """The seconds after which a request that was not taken is to be sent again.

    A server that is busy, or reads a kind anew, says so: nothing of the request was done.
    """
    if error.status != HTTPStatus.TOO_MANY_REQUESTS or error.headers is None:
        return None
    said = str(error.headers.get("Retry-After", ""))
    return int(said) if said.isdigit() and int(said) <= _LONGEST_SECONDS else None
