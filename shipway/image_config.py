"""What of an image's configuration changes what runs in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

_CONTENT_KEYS = ("Env", "Cmd", "Entrypoint", "User", "WorkingDir", "Healthcheck")


def content_hash(layers: Sequence[str], config: Mapping[str, Any]) -> str:
    """A hash of an image's layers and of how it runs, without labels and dates.

    Two builds of the same files differ in their id alone, since labels name the revision.
    """
    facts = [list(layers), {name: config.get(name) for name in _CONTENT_KEYS}]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def env_of(config: Mapping[str, Any]) -> dict[str, str]:
    """The environment that an image's configuration brings."""
    entries: list[str] = config.get("Env") or []
    return dict(entry.split("=", 1) for entry in entries)
