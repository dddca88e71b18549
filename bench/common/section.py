"""One part of a benchmark: its figures, and what it shows to hold or not."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

Cell = str | int | float


class Section(BaseModel):
    """A table, and promises.

    Attributes:
        about: What was done, for somebody who reads the table alone.
        rows: All with the same keys, the table's head.
        promises: Whether each one held.
    """

    model_config = ConfigDict(frozen=True)

    title: str
    about: str
    rows: tuple[dict[str, Cell], ...]
    promises: dict[str, bool]

    @property
    def head(self) -> tuple[str, ...]:
        """The table's head."""
        return tuple(self.rows[0])

    @property
    def cells(self) -> list[tuple[str, ...]]:
        """The table's rows."""
        return [tuple(map(str, row.values())) for row in self.rows]
