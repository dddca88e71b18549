"""The HTTP receiver: refuses what is not proven, and answers at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, HTTPException, Request, status
from fastapi.responses import JSONResponse
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
    """The application: `POST /webhooks/<forge>` and `GET /health`.

    Args:
        secrets: The secret of each forge that may call.
        look: What a delivery leads to, whatever it says.
    """
    looks, deliveries = Looks(look), Deliveries(REMEMBERED_SECONDS, REMEMBERED)

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
    app.add_api_route("/webhooks/{forge}", take, methods=["POST"])
    return app


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
