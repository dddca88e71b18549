"""The HTTP receiver: refuses what is not proven, and answers at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, HTTPException, Request, Response, status
from fastapi.responses import JSONResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    disable_created_metrics,
    generate_latest,
)
from pydantic import SecretStr
from starlette.requests import ClientDisconnect

from shipway.webhooks.deliveries import Deliveries
from shipway.webhooks.looks import Look, Looks
from shipway.webhooks.proofs import PROOFS

LARGEST_BYTES = 1_000_000
BODY_SECONDS = 10.0
REMEMBERED_SECONDS = 600.0
REMEMBERED = 10_000


def receiver(secrets: Mapping[str, SecretStr], look: Look) -> FastAPI:
    """The application: `POST /webhooks/<forge>`, `GET /health` and `GET /metrics`.

    Args:
        secrets: The secret of each forge that may call.
        look: What a delivery leads to, whatever it says.
    """
    looks, deliveries = Looks(look), Deliveries(REMEMBERED_SECONDS, REMEMBERED)
    registry = CollectorRegistry()
    answers = _answers(secrets, registry)

    @asynccontextmanager
    async def keep_looking(_: FastAPI) -> AsyncGenerator[None]:
        looking = asyncio.create_task(looks.keep_looking())
        yield
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking

    app = FastAPI(openapi_url=None, lifespan=keep_looking)

    async def health() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    async def answer(forge: str, request: Request) -> JSONResponse:
        # Whoever calls may make up names of forges.
        known = forge if forge in PROOFS else "other"
        try:
            answered = await take(forge, request)
        except HTTPException as refusal:
            answers.labels(known, refusal.status_code).inc()
            raise
        answers.labels(known, answered.status_code).inc()
        return answered

    async def take(forge: str, request: Request) -> JSONResponse:
        if forge not in secrets:
            raise HTTPException(status.HTTP_404_NOT_FOUND, "No secret is set for this forge.")
        body = await _body(request)
        proof = PROOFS[forge](secrets[forge].get_secret_value(), request.headers, body)
        if proof is None:
            raise HTTPException(
                status.HTTP_401_UNAUTHORIZED, "The signature or token is not right, or too old."
            )
        _check_json(body)
        if not deliveries.is_new(proof):
            raise HTTPException(status.HTTP_409_CONFLICT, "This delivery came before.")
        looks.ask()
        return JSONResponse({"status": "looking"}, status.HTTP_202_ACCEPTED)

    app.add_api_route("/health", health)
    app.add_api_route("/metrics", metrics)
    app.add_api_route("/webhooks/{forge}", answer, methods=["POST"])
    return app


def _answers(forges: Iterable[str], registry: CollectorRegistry) -> Counter:
    """What deliveries are answered; it begins at 0 for each answer that these forges may get."""
    disable_created_metrics()
    answers = Counter(
        "shipway_webhook_deliveries_total",
        "Deliveries by forge and by the status of the answer; all but 202 were refused.",
        ("forge", "code"),
        registry=registry,
    )
    for forge in forges:
        for code in (202, 400, 401, 408, 409, 413):
            answers.labels(forge, code)
    return answers


async def _body(request: Request) -> bytes:
    """The body, if it is small enough and comes in time; of a larger one, nothing is kept."""
    body, size = bytearray(), 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            # Whoever sends reads the answer only afterwards.
            async for chunk in request.stream():
                size += len(chunk)
                if size <= LARGEST_BYTES:
                    body += chunk
                else:
                    body.clear()
    except TimeoutError:
        # The rest would be taken for another request.
        raise HTTPException(
            status.HTTP_408_REQUEST_TIMEOUT, "The body took too long.", {"Connection": "close"}
        ) from None
    except ClientDisconnect:
        raise HTTPException(status.HTTP_400_BAD_REQUEST, "The body ended too early.") from None
    if size > LARGEST_BYTES:
        raise HTTPException(
            status.HTTP_413_CONTENT_TOO_LARGE, f"The body has more than {LARGEST_BYTES} bytes."
        )
    return bytes(body)


def _check_json(body: bytes) -> None:
    """Refuse what is no JSON. Nothing in it is used."""
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPException(
            status.HTTP_400_BAD_REQUEST, "The body is no JSON: let the forge send application/json."
        ) from None
