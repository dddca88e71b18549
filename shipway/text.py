"""Text that others wrote."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def one_line(text: str) -> str:
    """Text that others wrote, without line ends and control characters.

    A line end in it would begin a trailer of its own; an escape would write into terminals.
    """
    return _CONTROL.sub(" ", text).strip()


def at_most(text: str, characters: int) -> str:
    """Text, cut short where it is longer than that."""
    return text if len(text) <= characters else f"{text[: characters - 1]}…"


def readable(name: str) -> str:
    """A name that Git gave, with the bytes that are no text shown as numbers."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
