from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from prefect.blocks.core import Block

from blocks.registry import Registry
from flows.runtime import load_block as module
from flows.runtime.load_block import load_ahead, load_block
from shipway.errors import RefuseError, RetryError

RUN = "00000000-0000-0000-0000-000000000001"


class Server:
    """What has the blocks.

    Attributes:
        asked: How often it was asked.
        saved: Whether it has the block.
        fails: What it answers with in place of the block.
        answers: Set once it may answer.
    """

    def __init__(self) -> None:
        self.asked = 0
        self.saved = True
        self.fails: Exception | None = None
        self.answers = asyncio.Event()
        self.answers.set()

    async def load(self, _name: str, **_: Any) -> Block:
        self.asked += 1
        await self.answers.wait()
        if self.fails:
            raise self.fails
        if not self.saved:
            raise ValueError("unable to find block document")
        return Registry(address="registry.example.org/acme")


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setenv("PREFECT__RUNTIME__FLOW_RUN__ID", RUN)
    monkeypatch.setenv("PREFECT__RUNTIME__FLOW_RUN__ROOT_FLOW_RUN_ID", RUN)
    server = Server()
    monkeypatch.setattr(Registry, "aload", server.load)
    return server


async def test_those_who_ask_at_once_and_later_share_an_answer(server: Server) -> None:
    await load_ahead(Registry)
    first, second = await asyncio.gather(load_block(Registry), load_block(Registry))
    assert first is second is await load_block(Registry)
    assert server.asked == 1


async def test_after_a_while_it_is_read_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    await load_block(Registry)
    monkeypatch.setattr(module, "KEPT_SECONDS", -1.0)
    await load_block(Registry)
    assert server.asked == 2


async def test_what_is_not_there_is_looked_for_again(server: Server) -> None:
    server.saved = False
    await load_ahead(Registry)
    with pytest.raises(RefuseError, match="There is no Registry block 'default'"):
        await load_block(Registry)
    server.saved = True
    await load_block(Registry)
    assert server.asked == 3


async def test_one_who_is_cancelled_takes_it_from_nobody_else(server: Server) -> None:
    server.answers.clear()
    one, other = (asyncio.create_task(load_block(Registry)) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    server.answers.set()
    assert await other is await load_block(Registry)
    with pytest.raises(asyncio.CancelledError):
        await one
    assert server.asked == 1


async def test_outside_of_a_run_nothing_is_kept(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT__RUNTIME__FLOW_RUN__ID")
    await load_block(Registry)
    await load_block(Registry)
    assert server.asked == 2


def status(code: int) -> httpx.HTTPStatusError:
    request = httpx.Request("GET", "http://server/api/block_types")
    return httpx.HTTPStatusError(
        f"status {code}", request=request, response=httpx.Response(code, request=request)
    )


@pytest.mark.parametrize("failure", [status(503), status(500), httpx.ConnectError("refused")])
async def test_a_server_that_is_away_may_be_back_soon(server: Server, failure: Exception) -> None:
    server.fails = failure
    with pytest.raises(RetryError, match="does not answer"):
        await load_block(Registry)

    server.fails = None
    assert isinstance(await load_block(Registry), Registry)


async def test_a_server_that_refuses_is_not_asked_again(server: Server) -> None:
    server.fails = status(401)
    with pytest.raises(httpx.HTTPStatusError):
        await load_block(Registry)
