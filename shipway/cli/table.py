"""Rows for people, in a terminal or a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table

_NARROWEST = 20
_PIPE = 1000


def show(titles: Sequence[str], rows: Iterable[Sequence[str]], *, wide: str) -> None:
    """Print rows below their titles.

    Args:
        titles: One for each column.
        rows: The cells.
        wide: The column whose text may be broken where the terminal is too narrow.
    """
    table = Table(box=None, pad_edge=False)
    for title in titles:
        if title == wide:
            table.add_column(title, min_width=_NARROWEST)
        else:
            table.add_column(title, no_wrap=True)
    for row in rows:
        table.add_row(*row)
    # What reads a pipe wants a line for each row.
    width = None if sys.stdout.isatty() else _PIPE
    Console(width=width, highlight=False, markup=False, emoji=False).print(table)


def moment(at: datetime) -> str:
    """A moment, in the time zone of whoever looks."""
    return f"{at.astimezone():%Y-%m-%d %H:%M}"
