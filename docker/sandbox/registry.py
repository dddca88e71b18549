"""The image registry, on loopback, under one name inside and outside of the namespaces."""

from __future__ import annotations

import urllib.error
import urllib.request

import machine
import processes
from packages import need
from state import SOCKETS, STATE, fresh_port, port

NAME = "docker-registry"
_PIPE = SOCKETS / "registry.sock"


def up() -> None:
    """Start the registry."""
    if processes.pid_of(NAME) is None:
        need({"docker-registry": "/usr/bin/docker-registry"}, "the image registry")
        fresh_port("registry")
        config = STATE / "registry.yml"
        config.write_text(
            f"""version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: {STATE / "registry"}}}
  delete: {{enabled: true}}
http: {{addr: "{address()}"}}
"""
        )
        processes.start(NAME, ["docker-registry", "serve", str(config)])
    processes.wait_until(answers, NAME)


def forward() -> None:
    """Make the registry's address work in the namespaces, whose loopback is another.

    A Unix socket crosses network namespaces: one end listens there, the other connects here.
    """
    need({"socat": "socat"}, "the way from the namespaces to the registry")
    if processes.pid_of("registry-outside") is None or not _PIPE.exists():
        listen = f"UNIX-LISTEN:{_PIPE},fork,unlink-early"
        processes.start("registry-outside", ["socat", listen, f"TCP:{address()}"])
    if processes.pid_of("registry-inside") is None:
        listen = f"TCP-LISTEN:{port('registry')},bind=127.0.0.1,fork,reuseaddr"
        command = machine.inside("socat", listen, f"UNIX-CONNECT:{_PIPE}")
        processes.start("registry-inside", command)


def address() -> str:
    """Host and port."""
    return f"127.0.0.1:{port('registry')}"


def answers() -> bool:
    """Whether the registry speaks the distribution API."""
    return _status("/v2/") == 200


def has(repository: str, tag: str) -> bool:
    """Whether it holds a tag."""
    return _status(f"/v2/{repository}/manifests/{tag}") == 200


def _status(path: str) -> int:
    accept = "application/vnd.docker.distribution.manifest.v2+json"
    request = urllib.request.Request(f"http://{address()}{path}", headers={"Accept": accept})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
