"""The page of mistakes has those that tests make, and no others."""

from __future__ import annotations

from pathlib import Path

from tests.support.mistakes import PAGE

TESTS = Path(__file__).parents[1]


def test_each_row_is_of_a_mistake_that_a_test_makes() -> None:
    made = "".join(file.read_text("utf-8") for file in TESTS.rglob("test_*.py"))
    rows = PAGE.read_text("utf-8").partition("|---|---|---|---|\n")[2].splitlines()
    mistakes = [row.removeprefix("| ").partition(" | ")[0] for row in rows]
    assert [mistake for mistake in mistakes if f'"{mistake}"' not in made] == []
    assert mistakes == sorted(set(mistakes))
    assert len(mistakes) >= 25
