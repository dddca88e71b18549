"""The Prefect server as behind a proxy that knows no websockets: it answers, and never tells."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import StreamRequestHandler, ThreadingTCPServer
from urllib.parse import urlsplit

CHUNK = 2**16


class _Server(ThreadingTCPServer):
    daemon_threads = True


class _PassOn(StreamRequestHandler):
    def handle(self) -> None:
        head = bytearray()
        while line := self.rfile.readline():
            head += line
            if line == b"\r\n":
                break
        if b"upgrade: websocket" in head.lower():
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        server = urlsplit(os.environ["PREFECT_API_URL"])
        with socket.create_connection((server.hostname, server.port)) as upstream:
            upstream.sendall(head)
            threading.Thread(target=_copy, args=(upstream, self.connection), daemon=True).start()
            with suppress(OSError):
                while chunk := self.rfile.read1(CHUNK):
                    upstream.sendall(chunk)


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(CHUNK):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def server_without_events() -> Iterator[str]:
    """Yield the address of the API; its websockets are forbidden."""
    with _Server(("127.0.0.1", 0), _PassOn) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host, port = server.server_address
        try:
            yield f"http://{host}:{port}{urlsplit(os.environ['PREFECT_API_URL']).path}"
        finally:
            server.shutdown()
