"""The newest commit of a branch, as Git keeps it."""

from __future__ import annotations

from typing import NamedTuple


class BranchTip(NamedTuple):
    """The newest commit of a branch.

    Attributes:
        commit: Its id.
        content: All of it: parents, signature, message.
    """

    commit: str
    content: bytes
