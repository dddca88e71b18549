from __future__ import annotations

from typing import Any

import pytest

from shipway.gates.http import HttpGate
from tests.support.gates import context, gate


@pytest.mark.parametrize(
    ("status", "text", "verdict", "words"),
    [
        (200, "hello", "pass", "status 200"),
        (503, "hello", "fail", "status 503, not 200"),
        (200, "goodbye", "fail", "no 'hello' in the answer"),
    ],
)
def test_what_a_page_says(status: int, text: str, verdict: str, words: str) -> None:
    measurement = HttpGate(service="shop", contains="hello").verdict_of(status, text)
    assert (measurement.verdict, measurement.words) == (verdict, words)


class ApiServer:
    """Answers each page with its path, or with what it is told."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    async def text(self, path: str, seconds: float) -> tuple[int, str]:
        if self._error is not None:
            raise self._error
        return 200, f"{path} within {seconds:g}"


@pytest.mark.parametrize(
    ("keys", "asked"),
    [
        ({}, "/api/v1/namespaces/shop/services/web/proxy/ within 5"),
        (
            {"port": "http", "path": "/a?b", "timeout_seconds": 2},
            "/api/v1/namespaces/shop/services/web:http/proxy/a?b within 2",
        ),
    ],
)
async def test_the_page_of_a_service_is_asked_through_the_api_server(
    keys: dict[str, Any], asked: str
) -> None:
    page = gate(http={"service": "web", "contains": asked, **keys})
    probe = page.settings.probe(page, context(ApiServer()))
    assert (await probe.measure()).verdict == "pass"


@pytest.mark.parametrize(
    ("error", "verdict", "words"),
    [
        (TimeoutError(), "fail", "no answer within 5 s"),
        (ConnectionRefusedError("refused"), "inconclusive", "not reached: refused"),
    ],
)
async def test_no_answer_fails_and_no_way_there_is_inconclusive(
    error: Exception, verdict: str, words: str
) -> None:
    measurement = await HttpGate(service="web").measure(context(ApiServer(error)))
    assert (measurement.verdict, measurement.words) == (verdict, words)
