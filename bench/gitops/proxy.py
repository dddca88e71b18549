"""A proxy before a real Git server that counts bytes, speaks TLS, and fails as networks do."""

from __future__ import annotations

import http.client
import ssl
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

# What happens to a push: passed on; answered 503; never answered; passed on and its answer lost.
Fate = Literal["pass", "reject", "hang", "drop"]

_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive", "expect"}


@dataclass
class Proxy:
    """A running proxy: where it is, what it does to pushes, and what it has moved.

    Args:
        url: Its own address.
        fate: What happens to the n-th push, counted from 0.
        pushes: How many pushes came.
        received: Bytes of bodies that clients sent.
        sent: Bytes of bodies that clients were sent.
    """

    url: str
    fate: Callable[[int], Fate]
    pushes: int = 0
    received: int = 0
    sent: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def moved(self) -> int:
        """Bytes of bodies in both directions."""
        return self.received + self.sent


@contextmanager
def proxy(
    upstream: str,
    fate: Callable[[int], Fate] = lambda _: "pass",
    certificate: Path | None = None,
) -> Generator[Proxy]:
    """Run a proxy on a free port of loopback.

    Args:
        upstream: The server behind it, http://host:port.
        fate: What happens to the n-th push.
        certificate: A PEM with key and certificate, for https.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.daemon_threads = True
    scheme = "http"
    if certificate is not None:
        scheme = "https"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    state = Proxy(url=f"{scheme}://127.0.0.1:{server.server_port}", fate=fate)
    server.RequestHandlerClass = type(
        "Handler", (_Handler,), {"state": state, "upstream": upstream}
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    state: Proxy
    upstream: str
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # the base class's name
        self._answer(self._ask("GET", b""))

    def do_POST(self) -> None:  # the base class's name
        body = self._body()
        fate: Fate = "pass"
        # A flush packet alone asks whether the password is right.
        if self.path.endswith("/git-receive-pack") and len(body) > 4:
            with self.state.lock:
                fate = self.state.fate(self.state.pushes)
                self.state.pushes += 1
        if fate == "reject":
            self.send_error(503)
            return
        if fate == "hang":
            self.state.over.wait(60)
        else:
            answer = self._ask("POST", body)
            if fate == "pass":
                self._answer(answer)
                return
        self.close_connection = True

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts: list[bytes] = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _ask(self, method: str, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP_BY_HOP}
        connection = http.client.HTTPConnection(urlsplit(self.upstream).netloc, timeout=60)
        try:
            connection.request(method, self.path, body or None, headers)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        with self.state.lock:
            self.state.received += len(body)
            self.state.sent += len(content)
        return response.status, response.getheaders(), content

    def _answer(self, answer: tuple[int, list[tuple[str, str]], bytes]) -> None:
        status, headers, body = answer
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing: the client says what went wrong."""
