"""What is read as far as somebody asks, and once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Remembered(Generic[Item]):
    """The items of an iterator, to be gone through any number of times.

    Args:
        unread: The iterator.
    """

    def __init__(self, unread: Iterator[Item]) -> None:
        self._read = list[Item]()
        self._unread = unread

    def __iter__(self) -> Iterator[Item]:
        position = 0
        while (item := self.at(position)) is not None:
            yield item
            position += 1

    def at(self, position: int) -> Item | None:
        """The item at a position; None where there are not so many."""
        while position >= len(self._read):
            try:
                self._read.append(next(self._unread))
            except StopIteration:
                return None
        return self._read[position]
