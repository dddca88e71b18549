"""What errors tell people to type."""

from __future__ import annotations

import re


def commands_in(said: str) -> list[str]:
    """The commands of an error's remedy."""
    return re.findall(r"`([^`]+)`", said.partition("\n  remedy: ")[2])
