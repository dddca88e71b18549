from __future__ import annotations

import pytest
from rich.text import Text

from shipway.cli.table import show

TITLES = ("APP", "CHANGE", "BY")
ROW = ("shop", "a long subject that says what the change is for " * 4, "Ada [red]")


def test_in_a_pipe_a_row_is_a_line_as_long_as_it_takes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show(TITLES, [ROW, ("cart", "", "Bob")], wide="CHANGE")
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == list(TITLES)
    assert [line.split() for line in lines] == [" ".join(ROW).split(), ["cart", "Bob"]]


def test_in_a_terminal_the_wide_column_is_broken_and_no_other(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    show(TITLES, [ROW], wide="CHANGE")
    lines = Text.from_ansi(capsys.readouterr().out).plain.splitlines()
    assert len(lines) > 2
    assert max(map(len, lines)) <= 60
    assert lines[1].startswith("shop  a long subject ")
    assert lines[1].rstrip().endswith("Ada [red]")
