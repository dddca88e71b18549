from __future__ import annotations

from shipway.ledger.layer_history import LayerHistory
from shipway.ledger.session import KnownTest
from shipway.pyramid.plan import Plan


def known(unit: str, seconds: float | None, *, proven: bool = True) -> KnownTest:
    return KnownTest(unit=unit, seconds=seconds, proven=proven)


HISTORY = LayerHistory(
    inputs="hash",
    green=None,
    passed={"a.js::1": 1.0, "a.js::2": 2.0, "b.js::1": 4.0, "unknown": 1.0},
    known={
        "a.js::1": known("a.js", 1.0),
        "a.js::2": known("a.js", 2.0),
        "b.js::1": known("b.js", 4.0),
        "b.js::2": known("b.js", None, proven=False),
        "c.js::1": known("c.js", 8.0),
    },
)


def test_a_unit_is_done_once_all_its_tests_have_passed() -> None:
    assert HISTORY.plan("file") == Plan(
        done=("a.js", "unknown"), seconds={"a.js": 3.0, "b.js": 4.0, "c.js": 8.0}, split="file"
    )


def test_of_what_is_left_the_recorded_times_are_known() -> None:
    assert HISTORY.seconds_left == [8.0]


def test_which_tests_have_proven_themselves_is_known() -> None:
    assert [name for name, proven in HISTORY.proven.items() if not proven] == ["b.js::2"]


def test_without_a_history_all_is_left() -> None:
    empty = LayerHistory(inputs="hash", green=None, passed={}, known={})
    assert empty.plan("test") == Plan()
    assert empty.seconds_left == []
