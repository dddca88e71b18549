"""Why people change what runs, and who they are: words that stand in Git."""

from __future__ import annotations

from blocks.errors import Refuse
from blocks.vcs.trailers import one_line


def checked(name: str, text: str) -> str:
    """A reason or a name that people gave, as one line.

    Raises:
        Refuse: It is empty.
    """
    if line := one_line(text):
        return line
    raise Refuse(
        f"The parameter {name!r} is empty.",
        expected="a few words that others will read in the history",
        untouched="the ops repository and the cluster",
    )
