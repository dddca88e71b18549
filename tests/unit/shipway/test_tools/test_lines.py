from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.test_tools.lines import LONGEST, Lines


@given(text=st.binary(max_size=200), cuts=st.lists(st.integers(0, 200), max_size=8))
def test_lines_are_the_same_however_the_stream_is_cut(text: bytes, cuts: list[int]) -> None:
    whole = Lines().feed(text + b"\n")
    lines, found, begin = Lines(), list[str](), 0
    for cut in [*sorted(cuts), len(text) + 1]:
        found += lines.feed((text + b"\n")[begin:cut])
        begin = max(begin, cut)
    assert found == whole


@pytest.mark.parametrize(
    ("stream", "lines"),
    [
        (b"one\ntwo\n", ["one", "two"]),
        (b"one\r\n\r\n", ["one", ""]),
        (b"no end", []),
        (b"\xff\x00\n", ["\ufffd\ufffd"]),
        ("ü\n".encode(), ["ü"]),
    ],
)
def test_a_line_is_text_without_its_end(stream: bytes, lines: list[str]) -> None:
    assert Lines().feed(stream) == lines


def test_a_line_that_does_not_end_is_cut() -> None:
    lines = Lines()
    assert lines.feed(b"x" * LONGEST) == []
    assert lines.feed(b"y") == ["x" * LONGEST]
    assert lines.feed(b"z\n") == ["z"]
