"""Workers start only once their server is upgraded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import pytest
from packaging.version import Version

from deployments import wait_for_server as module
from deployments.wait_for_server import wait_for_server

NEEDED = Version("3.10.0")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0)


def answering(*answers: str | Exception) -> Callable[[], Awaitable[str]]:
    """A server that gives these answers, one after the other, and no more."""
    left = iter(answers)

    async def ask() -> str:
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask


@pytest.mark.parametrize("served", ["3.10.0", "3.10.1", "4.0.0"])
async def test_a_server_that_is_no_older_is_not_waited_for(served: str) -> None:
    said: list[str] = []
    await wait_for_server(answering(served), NEEDED, said.append)
    assert said == []


async def test_an_older_server_is_waited_for_and_each_reason_told_once() -> None:
    said: list[str] = []
    refused = httpx.ConnectError("refused")
    answers = answering(refused, refused, "3.9.1", "3.9.1", "3.10.0rc1", "3.10.0")
    await wait_for_server(answers, NEEDED, said.append)
    assert said == [
        "waiting for the Prefect server, which gives no version: ConnectError('refused')",
        "waiting for the upgrade of the Prefect server, from 3.9.1 to 3.10.0",
        "waiting for the upgrade of the Prefect server, from 3.10.0rc1 to 3.10.0",
    ]


async def test_what_is_no_version_is_no_server_to_start_for() -> None:
    with pytest.raises(ValueError, match="Invalid version"):
        await wait_for_server(answering("<html>"), NEEDED, print)
