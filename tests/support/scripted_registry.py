"""A registry that answers as it is told to: what no real one can be made to say."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = json.dumps({"config": {"Labels": {"app": "shop"}}}).encode()


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def manifest(config: bytes = CONFIG) -> bytes:
    return json.dumps(
        {"schemaVersion": 2, "mediaType": MANIFEST, "config": {"digest": digest_of(config)}}
    ).encode()


class Answer(NamedTuple):
    """What the registry says once; status 0 drops the connection, 1 does so amid the body."""

    status: int = 200
    content: bytes = b""
    headers: Mapping[str, str] = {}


class ScriptedRegistry:
    """Answers by path: each in its turn, and the last one from then on.

    A deletion is a path of its own, `DELETE /v2/…`.
    """

    def __init__(self) -> None:
        self.answers: dict[str, deque[Answer]] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.address = ""

    def says(self, path: str, *answers: Answer) -> None:
        self.answers[path] = deque(answers)

    def has_image(self, content: bytes | None = None, *first: Answer, name: str = "shop") -> str:
        """Serve an image under the tag `1`, after these answers; return its digest."""
        content = manifest() if content is None else content
        self.says(f"/v2/{name}/manifests/1", *first, Answer(content=content))
        self.says(f"/v2/{name}/manifests/{digest_of(content)}", Answer(content=content))
        self.says(f"/v2/{name}/blobs/{digest_of(CONFIG)}", Answer(content=CONFIG))
        return digest_of(content)

    def answer(self, path: str, authorization: str | None) -> Answer:
        self.asked.append((path, authorization))
        answers = self.answers.get(path.partition("?")[0])
        if not answers:
            return Answer(404, b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}')
        return answers[0] if len(answers) == 1 else answers.popleft()


@contextmanager
def scripted_registry() -> Iterator[ScriptedRegistry]:
    """One on a port of this machine."""
    registry = ScriptedRegistry()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = registry.answer(self.path, self.headers.get("Authorization"))
            if answer.status == 0:
                self.close_connection = True
                return
            self.send_response(answer.status or 200)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def do_DELETE(self) -> None:
            self.path = f"DELETE {self.path}"
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    registry.address = f"127.0.0.1:{server.server_port}"
    yield registry
    server.shutdown()
    server.server_close()
