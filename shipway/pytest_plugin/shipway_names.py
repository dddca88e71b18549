"""Names of tests as they are kept and shown. Standard library only: it goes into images."""

from __future__ import annotations

import hashlib
import re

LEDGER_NAME_LENGTH = 1000
DISPLAY_NAME_LENGTH = 200

# Behind the node id of pytest's second and further items with that id.
ITEM = " (item {} of this id)"
_ITEM = re.compile(r" \(item \d+ of this id\)$")


def node_id(name: str) -> str:
    """The node id of a pytest test; several items may share one."""
    return _ITEM.sub("", name)


def ledger_name(name: str) -> str:
    """The name as the ledger keeps it: printable, and of at most 1,000 characters.

    What is cut off a long name, a hash stands for.
    """
    text = _printable(name)
    if len(text) <= LEDGER_NAME_LENGTH:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    return f"{text[: LEDGER_NAME_LENGTH - len(digest) - 1]}#{digest}"


def display_name(name: str) -> str:
    """The name as people read it: on one line, and of at most 200 characters."""
    text = _printable(name)
    if len(text) <= DISPLAY_NAME_LENGTH:
        return text
    # The note in the middle has room for a number of eleven digits.
    half = (DISPLAY_NAME_LENGTH - len("…( more)…") - 11) // 2
    return f"{text[:half]}…({len(text) - 2 * half} more)…{text[-half:]}"


def _printable(name: str) -> str:
    """Control characters, and halves of characters that are none, as escapes."""
    if name.isprintable():
        return name
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in name
    )
