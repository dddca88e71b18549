from __future__ import annotations

from shipway.errors import RetryError
from shipway.reports.retention import (
    readable_size,
    retention_page,
    retention_rows,
    retention_sentence,
    retention_words,
)
from shipway.retention.outcome import Item, Outcome

IMAGES = Outcome(
    kind="images on the engine",
    goes=(Item(name="shop c1", why="old", size=1_500_000), Item(name="shop c2", why="old", size=0)),
    stays={"younger than 7 days": 3},
)
ROWS = Outcome(kind="rows", goes=(Item(name="tests", why="not run", count=1200),))
REGISTRY = Outcome(
    kind="images in the registry", goes=(Item(name="x", why="old"),), hindered="nobody says so"
)


def test_a_dry_run_says_what_would_go() -> None:
    words = "2 images on the engine, 1,200 rows; 1.5 MB where that is known"
    found = [IMAGES, ROWS, REGISTRY]
    assert retention_sentence(found, dry_run=True) == f"would remove {words}"
    assert retention_sentence(found, dry_run=False) == f"removed {words}"
    assert "| Would go |" in retention_page(found, {}, dry_run=True)


def test_what_is_hindered_did_not_go() -> None:
    page = retention_page([REGISTRY], {}, dry_run=False)
    assert "None is removed: nobody says so" in page
    assert "| Would go |" in page
    assert retention_sentence([REGISTRY], dry_run=False) == "nothing to remove"
    assert [row["removed"] for row in retention_rows([REGISTRY, ROWS], dry_run=False)] == [
        False,
        True,
    ]


def test_the_page_has_reasons_sizes_and_what_failed() -> None:
    page = retention_page([IMAGES], {"runs": RetryError("Git is away.")}, dry_run=False)
    assert "| shop c1 | old | 1 | 1.5 MB |" in page
    assert "| younger than 7 days | 3 |" in page
    assert "## Failed: runs\n\n```text\nGit is away.\n```" in page


def test_the_log_has_the_same() -> None:
    assert retention_words(IMAGES, dry_run=True) == (
        "images on the engine: 2 would go, 1.5 MB\n"
        "  shop c1: old\n"
        "  shop c2: old\n"
        "  3 stay: younger than 7 days"
    )
    assert retention_words(ROWS, dry_run=False) == "rows: 1,200 went\n  1,200 tests: not run"
    assert "\n  none is removed: nobody says so\n" in retention_words(REGISTRY, dry_run=False)


def test_a_long_list_is_cut_and_counted() -> None:
    many = Outcome(kind="images", goes=tuple(Item(name=str(n), why="old") for n in range(203)))
    assert "| and others |  | 3 |  |" in retention_page([many], {}, dry_run=True)


def test_sizes_are_readable() -> None:
    sizes = [0, 999, 1000, 1_234_567, 5 * 10**15]
    assert [readable_size(size) for size in sizes] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "1.2 MB",
        "5000.0 TB",
    ]
