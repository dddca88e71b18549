"""The shop over HTTP."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from html import escape
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from shop.orders import BadOrder, read_order
from shop.store import OutOfStock, Store, Unknown

VERSION = Path(__file__).parents[1].joinpath("VERSION").read_text().strip()
REVISION = os.environ.get("REVISION", "unknown")

REQUESTS = Counter("shop_requests", "Requests answered", ("path", "status", "version"))
SECONDS = Histogram("shop_request_seconds", "Time to answer", ("path",))

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop {version}</title>
<style>body{{font:16px system-ui;max-width:36rem;margin:4rem auto;color:#222}}
h1{{font-size:3rem;margin:0}}code{{background:#eee;padding:.1em .3em}}</style></head>
<body><p>This shop runs version</p><h1>{version}</h1>
<p>revision <code>{revision}</code><br>answered by <code>{host}</code></p></body></html>"""


async def index(_: Request) -> Response:
    """Which version this is, for people."""
    facts = {"version": VERSION, "revision": REVISION, "host": socket.gethostname()}
    return HTMLResponse(PAGE.format(**{key: escape(fact) for key, fact in facts.items()}))


async def version(_: Request) -> Response:
    """Which version this is, for programs."""
    return JSONResponse({"version": VERSION, "revision": REVISION})


async def healthz(_: Request) -> Response:
    """Whether the process answers at all."""
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Whether the shop can take requests: the database answers."""
    try:
        await request.app.state.store.check()
    except Exception as error:  # whatever it is, the shop cannot serve
        return JSONResponse({"status": "unavailable", "reason": type(error).__name__}, 503)
    return JSONResponse({"status": "ok"})


async def metrics(_: Request) -> Response:
    """Prometheus' text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def products(request: Request) -> Response:
    """Every product with its price in cents and its stock."""
    return JSONResponse(await request.app.state.store.products())


async def order(request: Request) -> Response:
    """Place an order; an Idempotency-Key makes a second try harmless."""
    try:
        key = request.headers["Idempotency-Key"]
        items, coupon = read_order(await request.body())
        return JSONResponse(await request.app.state.store.order(key, items, coupon), 201)
    except KeyError:
        return JSONResponse({"error": "the header Idempotency-Key is missing"}, 400)
    except (BadOrder, ValueError) as error:
        return JSONResponse({"error": str(error)}, 400)
    except Unknown as error:
        return JSONResponse({"error": f"there is no product {error}"}, 404)
    except OutOfStock as error:
        return JSONResponse({"error": f"out of stock: {error}"}, 409)


async def measure(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    """Count each request by path, status and version."""
    begin = time.perf_counter()
    status = 500
    try:
        response = await answer(request)
        status = response.status_code
        return response
    finally:
        path = request.url.path if request.url.path in PATHS else "other"
        REQUESTS.labels(path, str(status), VERSION).inc()
        SECONDS.labels(path).observe(time.perf_counter() - begin)


ROUTES = [
    Route("/", index),
    Route("/version", version),
    Route("/healthz", healthz),
    Route("/readyz", readyz),
    Route("/metrics", metrics),
    Route("/products", products),
    Route("/orders", order, methods=["POST"]),
]
PATHS = {route.path for route in ROUTES}


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Hold the database while the app serves; uvicorn ends requests in flight before this ends."""
    app.state.store = Store(os.environ["DATABASE_URL"])
    await app.state.store.open()
    yield
    await app.state.store.close()


app = Starlette(
    routes=ROUTES, lifespan=lifespan, middleware=[Middleware(BaseHTTPMiddleware, dispatch=measure)]
)
