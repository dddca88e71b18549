"""What goes of one kind of thing, and what stays, with reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

Thing = TypeVar("Thing")


class Item(BaseModel):
    """What goes: one thing, or several that are alike.

    Attributes:
        name: What it is called.
        why: Why it may go.
        count: How many it is.
        size: Bytes that are free without it; None where nobody knows.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    why: str
    count: int = 1
    size: int | None = None


class Outcome(BaseModel):
    """What became of one kind of thing.

    Attributes:
        kind: What it is, for people.
        goes: What goes, or would go.
        stays: How many stay, by the reason.
        hindered: Why nothing of it can be removed; empty where it can.
    """

    model_config = ConfigDict(frozen=True)

    kind: str
    goes: tuple[Item, ...] = ()
    stays: Mapping[str, int] = {}
    hindered: str = ""

    @property
    def count(self) -> int:
        """How many things go."""
        return sum(item.count for item in self.goes)

    @property
    def size(self) -> int | None:
        """Bytes that are free without them; None where nobody knows."""
        known = [item.size for item in self.goes if item.size is not None]
        return sum(known) if known else None


def joined(kind: str, outcomes: Iterable[Outcome], hindered: str = "") -> Outcome:
    """One outcome of several of a kind.

    Args:
        kind: The kind.
        outcomes: Such as one for each app.
        hindered: Why nothing of it can be removed.
    """
    goes, stays = list[Item](), Counter[str]()
    for each in outcomes:
        goes += each.goes
        stays.update(each.stays)
    return Outcome(kind=kind, goes=tuple(goes), stays=stays, hindered=hindered)


def sorted_out(
    things: Iterable[Thing], why_it_stays: Callable[[Thing], str | None]
) -> tuple[list[Thing], Counter[str]]:
    """The things that go, in their order, and how many stay, by the reason.

    Args:
        things: The things.
        why_it_stays: The reason; None where there is none.
    """
    goes, stays = list[Thing](), Counter[str]()
    for thing in things:
        reason = why_it_stays(thing)
        if reason is None:
            goes.append(thing)
        else:
            stays[reason] += 1
    return goes, stays
