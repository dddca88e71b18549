from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.pytest_plugin.shipway_names import (
    DISPLAY_NAME_LENGTH,
    LEDGER_NAME_LENGTH,
    display_name,
    ledger_name,
)

# Halves of surrogate pairs, too: a test may be called so.
names = st.text(st.characters(), max_size=3000)


@pytest.mark.parametrize(
    ("name", "printable"),
    [
        ("test_a.py::test[ü – 試]", "test_a.py::test[ü – 試]"),
        ("a\x1b[31m\x00\n", "a\\x1b[31m\\x00\\n"),
        ("\ud800", "\\ud800"),
        ("a\u202eb", "a\\u202eb"),
        ("", ""),
    ],
)
def test_what_cannot_be_printed_is_an_escape(name: str, printable: str) -> None:
    assert ledger_name(name) == display_name(name) == printable


@given(name=names)
def test_a_kept_name_is_short_printable_and_stays_as_it_is(name: str) -> None:
    found = ledger_name(name)
    assert len(found) <= LEDGER_NAME_LENGTH
    assert found.isprintable()
    assert ledger_name(found) == found


@given(name=names)
def test_a_shown_name_is_one_short_line(name: str) -> None:
    found = display_name(name)
    assert len(found) <= DISPLAY_NAME_LENGTH
    assert found.isprintable()


def test_long_names_that_differ_only_at_their_end_are_kept_apart() -> None:
    names = [f"test_a.py::test[{'x' * 10_000}{end}]" for end in "ab"]
    found = {ledger_name(name) for name in names}
    assert len(found) == 2
    assert {len(one) for one in found} == {LEDGER_NAME_LENGTH}


def test_of_a_long_name_both_ends_are_shown_and_how_much_is_left_out() -> None:
    found = display_name("begin" + "x" * 10_000 + "end")
    assert found.startswith("beginxxx")
    assert found.endswith("xxxend")
    left_out = int(found.partition("…(")[2].partition(" more)…")[0])
    assert len(found.replace(f"…({left_out} more)…", "")) + left_out == 10_008
