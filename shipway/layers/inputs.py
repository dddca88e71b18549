"""What a layer reads, as one hash: a layer that was green does not run again with the same."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from shipway.config.pipeline import Layer
from shipway.layers.rules import rules_of

# Of results as the ledger keeps them; those of another form do not count.
FORM = 2
# How it is split, and what happens on failure, change no test's result.
KEYS = {"command", "tool", "files", "junit", "runner", "env", "services", "app"}


def inputs_hash(app: str, name: str, layer: Layer, content: list[str]) -> str:
    """A hash of what a layer reads: its command, what it runs in, and what stands beside it.

    Args:
        app: The app.
        name: The layer's name.
        layer: The layer.
        content: Of the checkout or of the images, hashed.
    """
    facts: list[Any] = [FORM, app, name, layer.model_dump(mode="json", include=KEYS)]
    facts.append(sorted(rules_of(layer).quarantined))
    facts.append(content)
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
