"""A small server that speaks a part of GitHub's, GitLab's and Gitea's APIs.

That is pull requests and commit statuses, with the limits and the answers that their documentation
and their users tell of.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "forge-token"  # the test server's own

_STATUS = re.compile(
    r"/repos/(?P<github>[^/]+/[^/]+)/statuses/(?P<a>[0-9a-f]{40})"
    r"|/api/v4/projects/(?P<gitlab>.+)/statuses/(?P<b>[0-9a-f]{40})"
    r"|/api/v1/repos/(?P<gitea>[^/]+/[^/]+)/statuses/(?P<c>[0-9a-f]{40})"
)
_STATES = {
    "github": {"pending", "success", "failure", "error"},
    "gitlab": {"pending", "running", "success", "failed", "canceled"},
    "gitea": {"pending", "success", "failure", "error", "warning"},
}


@dataclass
class Forges:
    """What the server was asked for, and what it says next.

    Args:
        url: Its address.
        requests: The pull requests, as they were opened.
        statuses: The commit statuses, as they were set, with project and commit.
        status: Answer everything with this status; None to work.
        failing: How many requests fail before that.
    """

    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    status: int | None = None
    failing: int = 0


@contextmanager
def forges() -> Generator[Forges]:
    """Run the server on a free port of loopback."""
    state = Forges()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"state": state}))
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    state: Forges

    def do_GET(self) -> None:  # the base class's name
        if self._is_let_in():
            query = parse_qs(urlsplit(self.path).query)
            pulls = [pull for pull in self.state.requests if self._matches(pull, query)]
            self._answer(200, [self._shown(pull) for pull in pulls])

    def do_POST(self) -> None:  # the base class's name
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._is_let_in():
            return
        if status := _STATUS.fullmatch(unquote(urlsplit(self.path).path)):
            self._set_status(status, body)
            return
        gitlab = "source_branch" in body
        opened = {
            "head": body["source_branch" if gitlab else "head"],
            "base": body["target_branch" if gitlab else "base"],
            "title": body["title"],
            "body": body["description" if gitlab else "body"],
            "number": len(self.state.requests) + 1,
            "path": unquote(urlsplit(self.path).path),
        }
        if any(pull["head"] == opened["head"] for pull in self.state.requests):
            self._answer(409 if gitlab else 422, {"message": "A pull request already exists"})
            return
        self.state.requests.append(opened)
        self._answer(201, self._shown(opened))

    def _set_status(self, address: re.Match[str], body: dict[str, Any]) -> None:
        (kind, project), (_, commit) = (
            (name, found) for name, found in address.groupdict().items() if found
        )
        context = body.get("name" if kind == "gitlab" else "context", "default")
        same = {"project": project, "commit": commit, "context": context}
        before = [one for one in self.state.statuses if same.items() <= one.items()]
        if words := _refusal(kind, body, before[-1]["state"] if before else ""):
            self._answer(400 if kind == "gitlab" else 422, {"message": words})
            return
        self.state.statuses.append({**body, **same})
        self._answer(201, {"id": len(self.state.statuses), **body})

    def _matches(self, pull: dict[str, Any], query: dict[str, list[str]]) -> bool:
        # Gitea knows no filter by head.
        if self.path.startswith("/api/v1/"):
            return True
        head = query.get("source_branch", query.get("head", [""]))[0]
        return head.rpartition(":")[2] == pull["head"]

    def _is_let_in(self) -> bool:
        if self.state.failing:
            self.state.failing -= 1
            self._answer(502, {"message": "Bad gateway"})
            return False
        if self.state.status is not None:
            self._answer(self.state.status, {"message": "as the test says"})
            return False
        # GitHub's and Gitea's header, and GitLab's.
        token = re.sub("^(token|Bearer) ", "", self.headers.get("Authorization", ""))
        if TOKEN in {token, self.headers.get("PRIVATE-TOKEN")}:
            return True
        self._answer(401, {"message": "Bad credentials"})
        return False

    def _shown(self, pull: dict[str, Any]) -> dict[str, Any]:
        url = f"{self.state.url}/pull/{pull['number']}"
        return {
            "id": pull["number"],
            "iid": pull["number"],
            "number": pull["number"],
            "html_url": url,
            "web_url": url,
            "url": f"{self.state.url}/repos/acme/ops/pulls/{pull['number']}",
            "head": {"ref": pull["head"]},
            "base": {"ref": pull["base"]},
            "source_branch": pull["head"],
            "title": pull["title"],
        }

    def _answer(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing: the client says what went wrong."""


def _refusal(kind: str, body: dict[str, Any], state_before: str) -> str:
    """Why a forge does not take a status; empty if it does."""
    state, url = body["state"], body.get("target_url", "")
    words = len(body.get("description", ""))
    if state not in _STATES[kind]:
        return "state does not have a valid value"
    if kind == "github" and words > 140:
        return "description is too long (maximum is 140 characters)"
    if kind == "github" and url and not url.startswith(("http://", "https://")):
        return "Target url must use http(s) scheme"
    if kind == "gitlab" and max(words, len(url)) > 255:
        return "is too long (maximum is 255 characters)"
    if kind == "gitlab" and state == state_before == "running":
        return "Cannot transition status via :run from :running"
    return ""
