"""A team that hears messages: a notification block, and a webhook of the test's own."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prefect import get_client
from prefect.blocks.notifications import CustomWebhookNotificationBlock


class Team:
    """What a team hears.

    Attributes:
        block: The notification block, as type/name.
        subjects: Of the messages so far.
        bodies: The same.
    """

    def __init__(self, block: str) -> None:
        self.block = block
        self.subjects: list[str] = []
        self.bodies: list[str] = []


@asynccontextmanager
async def team() -> AsyncGenerator[Team]:
    """Yield a team; its block is gone afterwards."""
    kind = CustomWebhookNotificationBlock.get_block_type_slug()

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            hears.subjects.append(message["subject"])
            hears.bodies.append(message["body"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    name = f"team-{server.server_port}"
    hears = Team(f"{kind}/{name}")
    block = CustomWebhookNotificationBlock.model_validate(
        {
            "name": "team",
            "url": f"http://127.0.0.1:{server.server_port}/",
            "json_data": {"subject": "{{subject}}", "body": "{{body}}"},
            "allow_private_urls": True,
        }
    )
    await block.asave(name)
    try:
        yield hears
    finally:
        server.shutdown()
        async with get_client() as client:
            document = await client.read_block_document_by_name(name, kind)
            await client.delete_block_document(document.id)
