from __future__ import annotations

import pytest

from shipway.git.record import RECORD_FILE, record_in, write_record
from shipway.git.trailers import trailers_in

SAID = {"App": "shop", "Environment": "prod", "Reason": "it: fails", "Run": "https://x/1"}


@pytest.mark.parametrize(
    "message",
    [
        "Clean up\n\nThis follows\nApp: shop\nEnvironment: prod\nof last week.\n\nAda\n",
        "Clean up\n\n> App: shop\n> Environment: prod\n",
        "Clean up\n\nApp: shop Environment: prod\n",
        "App shop\n\nSee App: shop\nEnvironment: prod\n",
        "",
    ],
)
def test_prose_is_no_trailer(message: str) -> None:
    for block in trailers_in(message):
        assert not {"App", "Environment"} <= block.keys()


def test_each_block_is_one_of_its_own() -> None:
    found = trailers_in("* one\n\nA: 1\nB: 2\n\n* two\n\n  A: 3\n    and more\n  C:\n  4\n\nD: 5")
    assert found == [{"A": "1", "B": "2"}, {"A": "3 and more", "C": "4"}, {"D": "5"}]


def test_a_record_is_read_as_it_was_written() -> None:
    assert record_in({RECORD_FILE: write_record(SAID)}) == SAID
    assert record_in({RECORD_FILE: write_record({"Reason": "x\nApp: cart"})}) == {
        "Reason": "x App: cart"
    }


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"kind: [\n", b"# nothing\n"])
def test_what_is_no_record_says_nothing_of_a_release(content: bytes | None) -> None:
    files = {} if content is None else {RECORD_FILE: content}
    assert "Image" not in record_in(files)


def test_no_agent_takes_the_record_for_a_manifest() -> None:
    assert "." not in RECORD_FILE
