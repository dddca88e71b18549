"""Tables on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.common.section import Section

console = Console(highlight=False, width=150)


def show(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print one table."""
    table = Table(*head, title=title, title_justify="left")
    for row in rows:
        table.add_row(*(escape(str(cell)) for cell in row))
    console.print(table)


def print_section(section: Section) -> None:
    """Print a table, what it is about, and which promises held."""
    show(f"\n{section.title}", section.head, section.cells)
    console.print(section.about)
    for promise, held in section.promises.items():
        console.print(f"{'✓' if held else '✗'} {promise}", markup=False)
