"""Answers with its version, counts its answers for Prometheus, and ends only when nobody asks."""

import json
import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar


class Counter:
    """How many requests came to which status."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = {200: 0, 500: 0}

    def add(self, status: int) -> int:
        """Count one; return how many there have been."""
        with self._lock:
            self._counts[status] += 1
            return sum(self._counts.values())

    def page(self) -> str:
        """As Prometheus reads it."""
        lines = [f'requests_total{{code="{code}"}} {n}' for code, n in self._counts.items()]
        return "\n".join(["# TYPE requests_total counter", *lines, ""])


def status_of(number: int, fails_percent: int) -> int:
    """What the request of that number comes to: as many in a hundred fail as the release says."""
    return 500 if (number * fails_percent) % 100 < fails_percent else 200


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    release: ClassVar[dict] = {}
    counter = Counter()
    asked = 0
    ending = False

    def do_GET(self) -> None:
        status, body = 200, f"{self.release['version']}\n"
        if self.path == "/metrics":
            body = self.counter.page()
        elif self.path == "/ready":
            status = 200 if self.release["ready"] else 503
        else:
            Handler.asked += 1
            status = status_of(Handler.asked, self.release["fails_percent"])
            self.counter.add(status)
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        if self.ending:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_) -> None:
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128


def end_later(*_) -> None:
    # Kubernetes tells a pod to end while requests still come: until every proxy knows, it goes on.
    Handler.ending = True
    threading.Timer(Handler.release["ends_after_seconds"], os._exit, [0]).start()


if __name__ == "__main__":
    Handler.release = json.loads(Path("release.json").read_text())
    signal.signal(signal.SIGTERM, end_later)
    if Handler.release["crashes_after_seconds"]:
        threading.Timer(Handler.release["crashes_after_seconds"], os._exit, [3]).start()
    Server(("", 8080), Handler).serve_forever()
