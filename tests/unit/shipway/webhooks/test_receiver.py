"""The receiver over real HTTP; what looks is the test's own."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import socket
from collections.abc import AsyncIterator
from http import HTTPStatus

import httpx
import pytest
import uvicorn
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from shipway.errors import RetryError
from shipway.webhooks import looks
from shipway.webhooks import receiver as module
from shipway.webhooks.receiver import LARGEST_BYTES, receiver

SECRET = "a secret"
MANY = 1_000


class Looker:
    """Looks when it is let; counts how often, and how many at once.

    Attributes:
        let: Set while looks may come to their end.
        begun: Set once one has begun.
        answers: What becomes of the next looks; each after them looks.
    """

    def __init__(self) -> None:
        self.let, self.begun = asyncio.Event(), asyncio.Event()
        self.let.set()
        self.count = self.now = self.most = 0
        self.answers: list[bool | Exception] = []
        self._ended = asyncio.Queue[None]()

    async def look(self) -> bool:
        self.begun.set()
        self.count, self.now = self.count + 1, self.now + 1
        self.most = max(self.most, self.now)
        await self.let.wait()
        self.now -= 1
        self._ended.put_nowait(None)
        answer = self.answers.pop(0) if self.answers else True
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def looks_end(self, count: int) -> None:
        """Wait for so many, and give one too many the time to begin."""
        for _ in range(count):
            await self._ended.get()
        for _ in range(10):
            await asyncio.sleep(0)


@pytest.fixture
async def looker() -> Looker:
    return Looker()


@pytest.fixture
async def client(looker: Looker) -> AsyncIterator[httpx.AsyncClient]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        config = uvicorn.Config(
            receiver({"github": SecretStr(SECRET)}, looker.look), log_level="warning"
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            yield client
        server.should_exit = True
        await serving


def sign(body: bytes) -> dict[str, str]:
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={signature}"}


async def send(client: httpx.AsyncClient, body: bytes, **headers: str) -> int:
    answer = await client.post("/webhooks/github", content=body, headers=sign(body) | headers)
    return answer.status_code


async def send_alone(client: httpx.AsyncClient, body: bytes, length: int | None = None) -> bytes:
    """The first line of the answer to a delivery over a connection of its own, which is quicker."""
    fields = {**sign(body), "Host": "shipway", "Content-Length": length or len(body)}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    writer.write(f"POST /webhooks/github HTTP/1.1\r\n{head}\r\n".encode() + body)
    try:
        return await reader.readline()
    finally:
        writer.close()


async def chunks(size: int) -> AsyncIterator[bytes]:
    """A body whose length nobody is told."""
    for _ in range(size // 65536):
        yield b" " * 65536


async def deliveries(client: httpx.AsyncClient) -> dict[tuple[str, int], float]:
    """How many deliveries Prometheus is told of, by forge and answer."""
    page = (await client.get("/metrics")).text
    (family,) = text_string_to_metric_families(page)
    assert family.name == "shipway_webhook_deliveries"
    return {(one.labels["forge"], int(one.labels["code"])): one.value for one in family.samples}


async def test_each_answer_is_counted_from_0_for_the_forges_that_may_call(
    client: httpx.AsyncClient, looker: Looker
) -> None:
    answers = (202, 400, 401, 408, 409, 413)
    assert await deliveries(client) == {("github", code): 0 for code in answers}
    for code in (202, 409):
        assert await send(client, b"{}") == code
    counted = await deliveries(client)
    assert [counted["github", code] for code in answers] == [1, 0, 0, 0, 1, 0]
    await looker.looks_end(1)


async def test_a_proven_delivery_is_answered_at_once_and_leads_to_one_look(
    client: httpx.AsyncClient, looker: Looker
) -> None:
    looker.let.clear()
    assert await send(client, b"{}") == HTTPStatus.ACCEPTED
    await looker.begun.wait()
    looker.let.set()
    await looker.looks_end(1)
    assert looker.count == 1


async def test_what_is_not_proven_or_not_understood_is_refused_and_starts_nothing(
    client: httpx.AsyncClient, looker: Looker
) -> None:
    nested = b"[" * 100_000
    refused = {
        "signature": await send(client, b"{}", **{"X-Hub-Signature-256": "sha256=00"}),
        "no signature": (await client.post("/webhooks/github", content=b"{}")).status_code,
        "no JSON": await send(client, b"{"),
        "a form": await send(client, b"payload=%7B%7D"),
        "no text": await send(client, b"\xff\xfe"),
        "empty": await send(client, b""),
        "nested": await send(client, nested),
        "no secret": (await client.post("/webhooks/gitlab", content=b"{}")).status_code,
        "no forge": (await client.post("/webhooks/none", content=b"{}")).status_code,
        "method": (await client.get("/webhooks/github")).status_code,
    }
    assert refused == {
        "signature": 401,
        "no signature": 401,
        "no JSON": 400,
        "a form": 400,
        "no text": 400,
        "empty": 400,
        "nested": 400,
        "no secret": 404,
        "no forge": 404,
        "method": 405,
    }
    assert (await client.get("/health")).json() == {"status": "ok"}
    assert looker.count == 0
    counted = {labels: count for labels, count in (await deliveries(client)).items() if count}
    assert counted == {
        ("github", 400): 5,
        ("github", 401): 2,
        ("gitlab", 404): 1,
        ("other", 404): 1,
    }


async def test_a_body_that_is_too_large_is_refused_whether_or_not_its_length_is_told(
    client: httpx.AsyncClient, looker: Looker
) -> None:
    large = json.dumps("x" * 10_000_000).encode()
    assert await send(client, large) == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    streamed = await client.post("/webhooks/github", content=chunks(10_000_000))
    assert "content-length" not in streamed.request.headers
    assert streamed.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert looker.count == 0
    assert await send(client, json.dumps("x" * (LARGEST_BYTES - 2)).encode()) == 202


async def test_a_body_that_does_not_end_is_given_up(
    client: httpx.AsyncClient, looker: Looker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BODY_SECONDS", 0.1)
    answer = await send_alone(client, b"{}", length=9)
    assert answer == b"HTTP/1.1 408 Request Timeout\r\n"
    assert looker.count == 0


async def test_a_replay_is_refused_whatever_id_it_bears(
    client: httpx.AsyncClient, looker: Looker
) -> None:
    assert await send(client, b"{}", **{"X-GitHub-Delivery": "1"}) == HTTPStatus.ACCEPTED
    await looker.looks_end(1)
    again = [await send(client, b"{}", **{"X-GitHub-Delivery": which}) for which in ("1", "2")]
    assert again == [HTTPStatus.CONFLICT] * 2
    await looker.looks_end(0)
    assert looker.count == 1


async def test_a_thousand_at_once_make_one_look_and_one_more_after_it(
    client: httpx.AsyncClient, looker: Looker
) -> None:
    looker.let.clear()
    assert await send(client, b"{}") == HTTPStatus.ACCEPTED
    await looker.begun.wait()
    bodies = [json.dumps(number).encode() for number in range(MANY)]
    answers = await asyncio.gather(*(send_alone(client, body) for body in bodies))
    assert set(answers) == {b"HTTP/1.1 202 Accepted\r\n"}
    assert (await client.get("/health")).status_code == HTTPStatus.OK
    assert looker.count == 1
    looker.let.set()
    await looker.looks_end(2)
    assert (looker.count, looker.most) == (2, 1)


@pytest.mark.parametrize("first", [False, RetryError("The Prefect server does not answer.")])
async def test_where_nobody_looked_it_is_tried_again(
    client: httpx.AsyncClient,
    looker: Looker,
    monkeypatch: pytest.MonkeyPatch,
    first: bool | Exception,
) -> None:
    monkeypatch.setattr(looks, "AGAIN_SECONDS", 0.01)
    looker.answers = [first]
    assert await send(client, b"{}") == HTTPStatus.ACCEPTED
    await looker.looks_end(2)
    assert looker.count == 2
