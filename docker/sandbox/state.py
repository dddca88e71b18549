"""What the sandbox remembers between commands, and where it keeps its files."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parents[2]
STATE = Path(os.environ.get("SHIPWAY_STATE") or HOME / ".shipway").resolve()
CACHE = Path(
    os.environ.get("SHIPWAY_CACHE")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "shipway")
).resolve()
ID = hashlib.sha256(str(STATE).encode()).hexdigest()[:8]

# Unix sockets have a path limit of 107 bytes, which a checkout's own path may exceed.
SOCKETS = Path("/run") / f"shipway-{ID}"
LOGS = STATE / "log"
_FILE = STATE / "sandbox.json"


class Unavailable(Exception):
    """A part cannot be had on this machine; the message says why and what would help."""


def read() -> dict[str, Any]:
    """Everything remembered."""
    return json.loads(_FILE.read_text()) if _FILE.exists() else {}


def remember(key: str, value: Any) -> Any:
    """Remember a value under a key; return it."""
    STATE.mkdir(parents=True, exist_ok=True)
    known = read() | {key: value}
    draft = _FILE.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(known, indent=2))
    draft.rename(_FILE)
    return value


def forget(*keys: str) -> None:
    """Forget values."""
    for key in keys:
        known = read()
        if key in known:
            del known[key]
            _FILE.write_text(json.dumps(known, indent=2))


@contextmanager
def exclusive() -> Iterator[None]:
    """Let one command at a time change the sandbox."""
    STATE.mkdir(parents=True, exist_ok=True)
    with (STATE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def secret(name: str) -> str:
    """A random secret, made once; the file that holds it is readable by its owner alone."""
    return read().get(name) or remember(name, secrets.token_hex(16))


def port(name: str) -> int:
    """The port of a part: free when first asked for, then remembered until `fresh_port`."""
    return read().get(f"port.{name}") or fresh_port(name)


def fresh_port(name: str) -> int:
    """The remembered port if nobody else listens there, else another free one."""
    known = read().get(f"port.{name}")
    if known and _is_free(known):
        return known
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return remember(f"port.{name}", probe.getsockname()[1])


def _is_free(number: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            return False
    return True
