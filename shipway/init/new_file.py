"""A file that `shipway init` writes."""

from __future__ import annotations

from typing import NamedTuple

# For errors: all of them come before the first file.
UNTOUCHED = "everything: no file was written"


class NewFile(NamedTuple):
    """A file, as it is to be.

    Attributes:
        path: From the folder that it is written in.
        text: What stands in it.
        why: What was seen that makes it so.
    """

    path: str
    text: str
    why: str
