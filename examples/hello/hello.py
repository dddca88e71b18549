"""Greets over HTTP."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def greeting(name: str = "world") -> str:
    return f"Hello, {name}!"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = greeting().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("", 8080), Handler).serve_forever()
