from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from prefect import Flow
from prefect.client.schemas.objects import FlowRun
from prefect.states import Completed

from flows.nightly import nightly
from flows.promote import promote
from flows.release import release
from flows.rollback import rollback
from flows.runtime import beside
from flows.runtime.beside import closed_beside, do_beside, finish_beside
from flows.verify import verify

ROOT = FlowRun(flow_id=uuid4())
BELOW = FlowRun(flow_id=uuid4(), parent_task_run_id=uuid4())


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "get_run_logger", lambda: logging.getLogger("run"))


class Place:
    """A place that takes its time to close."""

    def __init__(self) -> None:
        self.may_close = asyncio.Event()
        self.closed = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        yield "opened"
        await self.may_close.wait()
        self.closed = True


async def test_a_place_is_closed_beside_what_follows_and_waited_for_at_the_end() -> None:
    place = Place()
    async with closed_beside(place.open()) as opened:
        assert opened == "opened"
    await asyncio.sleep(0)
    assert not place.closed
    waiting = asyncio.create_task(finish_beside(None, ROOT, Completed()))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    place.may_close.set()
    await waiting
    assert place.closed


async def test_a_place_says_what_an_error_in_it_means() -> None:
    @asynccontextmanager
    async def engine() -> AsyncIterator[None]:
        try:
            yield
        except ConnectionError as error:
            raise RuntimeError("the engine went away") from error

    with pytest.raises(RuntimeError, match="the engine went away"):
        async with closed_beside(engine()):
            raise ConnectionError
    with pytest.raises(ValueError, match="red"):
        async with closed_beside(engine()):
            raise ValueError("red")


async def test_who_is_cancelled_in_a_place_goes_on_at_once_and_it_is_closed() -> None:
    place = Place()

    async def stay() -> None:
        async with closed_beside(place.open()):
            await asyncio.Event().wait()

    staying = asyncio.create_task(stay())
    await asyncio.sleep(0)
    staying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await staying
    assert not place.closed
    place.may_close.set()
    await finish_beside(None, ROOT, Completed())
    assert place.closed


async def test_a_layer_within_a_release_waits_for_nothing() -> None:
    place = Place()
    async with closed_beside(place.open()):
        pass
    await finish_beside(None, BELOW, Completed())
    assert not place.closed
    place.may_close.set()
    await finish_beside(None, ROOT, Completed())
    assert place.closed


async def test_what_fails_beside_is_told_and_fails_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail() -> None:
        raise RuntimeError("the engine went away")

    do_beside(fail(), "It is left to the next run")
    await finish_beside(None, ROOT, Completed())
    assert caplog.messages == ["It is left to the next run: the engine went away"]


@pytest.mark.parametrize(
    "flow", [release, promote, rollback, nightly, verify], ids=lambda flow: flow.name
)
def test_every_flow_that_people_watch_finishes_what_goes_on_beside(flow: Flow[..., Any]) -> None:
    hooks = flow.on_completion_hooks, flow.on_failure_hooks
    assert hooks == ([finish_beside], [finish_beside])
