"""How old something is, and which things are the newest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TypeVar

Thing = TypeVar("Thing")

UNKNOWN = "nobody knows how old it is"
# Builds that can be repeated to the byte write a date like 1970 or 1980 into what they make.
_NO_DATE = datetime(2000, 1, 1, tzinfo=UTC)


def too_young(made: datetime | None, days: int, now: datetime) -> str | None:
    """Why something stays, if its age is the reason.

    Args:
        made: When it was made, or used last; None where nobody knows.
        days: How long it stays.
        now: The time.
    """
    if made is None or made < _NO_DATE:
        return UNKNOWN
    return f"younger than {days_of(days)}" if now - made < timedelta(days=days) else None


def days_of(days: int) -> str:
    """A number of days, in words."""
    return "1 day" if days == 1 else f"{days} days"


def newest_of_each(
    things: Iterable[Thing],
    whose: Callable[[Thing], str],
    made: Callable[[Thing], datetime],
    count: int,
) -> Iterator[Thing]:
    """The newest things of each owner.

    Args:
        things: The things.
        whose: Tells the owner of one.
        made: Tells when one was made.
        count: How many of each.
    """
    by_owner = sorted(sorted(things, key=made, reverse=True), key=whose)
    for _, each in groupby(by_owner, whose):
        yield from list(each)[:count]
