"""What a run says of itself in its last state."""

from __future__ import annotations

import re

_BEFORE = re.compile(r"Flow run encountered an exception: (\w+: )?")


def own_words(message: str) -> str:
    """The message of a state, without Prefect's words before it."""
    return _BEFORE.sub("", message, count=1)
