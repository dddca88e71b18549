"""Runs that act, as the library knows them."""

from __future__ import annotations

from collections.abc import Callable

from shipway.rollout.run_context import RunContext

LINK = "https://prefect.example.org/runs/flow-run/"


def run_context(
    number: int, was_interrupted: Callable[[str], bool | None] = lambda _: False
) -> RunContext:
    """A run of its own for each number; all others came to their end where nothing else is said."""
    return RunContext(
        link=f"{LINK}{number}", was_interrupted=was_interrupted, on_review=lambda _: None
    )
