"""Requests that an API server does not take at once."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes_asyncio.client import ApiClient, ApiException, Configuration

from shipway.kubernetes.client import KubeClient

LATER = {"Retry-After": "0"}


@asynccontextmanager
async def server(answers: Sequence[web.Response]) -> AsyncGenerator[tuple[KubeClient, list[str]]]:
    """A client of a server that gives its answers one after the other, and what it was asked."""
    left, asked = list(answers), list[str]()

    async def answer(request: web.Request) -> web.Response:
        asked.append(f"{request.method} {await request.text()}")
        return left.pop(0)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as there:
        configuration = Configuration(host=str(there.make_url("")).rstrip("/"))
        async with ApiClient(configuration) as api:
            yield KubeClient(api), asked


async def test_what_is_to_be_sent_again_is_sent_again() -> None:
    busy = [web.json_response({}, status=429, headers=LATER) for _ in range(3)]
    async with server([*busy, web.json_response({"kind": "Pod"})]) as (client, asked):
        assert await client.call("POST", "/api/v1/pods", body={"a": 1}) == {"kind": "Pod"}
    assert asked == ['POST {"a": 1}'] * 4


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (429, {}),
        (429, {"Retry-After": "soon"}),
        (429, {"Retry-After": "31"}),
        (503, LATER),
        (409, LATER),
    ],
)
async def test_what_may_have_been_done_or_names_no_time_soon_is_an_error(
    status: int, headers: dict[str, str]
) -> None:
    async with server([web.json_response({}, status=status, headers=headers)]) as (client, asked):
        with pytest.raises(ApiException) as raised:
            await client.call("GET", "/api/v1/pods")
    assert (raised.value.status, len(asked)) == (status, 1)


async def test_a_server_that_stays_busy_is_an_error_in_the_end() -> None:
    busy = [web.json_response({}, status=429, headers=LATER) for _ in range(11)]
    async with server(busy) as (client, asked):
        with pytest.raises(ApiException) as raised:
            await client.call("GET", "/api/v1/pods")
    assert (raised.value.status, len(asked)) == (429, 11)
