"""The run that acts: how its commits name it, and what it knows of other runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class RunContext:
    """The run that acts.

    Attributes:
        link: The run, as the trailer Run names it.
        was_interrupted: Whether a run that a trailer names was killed or cancelled, or goes on;
            None where nobody knows the run any more.
        on_review: Told the address of a pull request that waits for people.
    """

    link: str
    was_interrupted: Callable[[str], bool | None]
    on_review: Callable[[str], None]
