from __future__ import annotations

import pytest

from shipway.gates.measurement import decide
from tests.support.measurements import measurements


@pytest.mark.parametrize(
    ("letters", "consecutive_failures", "over", "decision"),
    [
        ("", 1, True, "go on"),
        ("p", 1, False, "go on"),
        ("p", 1, True, "pass"),
        ("f", 1, False, "fail"),
        ("i", 1, True, "go on"),
        ("pi", 1, True, "go on"),
        ("f", 2, True, "go on"),
        ("pff", 2, False, "fail"),
        ("fpf", 2, False, "go on"),
        ("fif", 2, False, "fail"),
        ("ffp", 3, True, "pass"),
        ("iii", 1, True, "go on"),
    ],
)
def test_what_measurements_come_to(
    letters: str, consecutive_failures: int, over: bool, decision: str
) -> None:
    assert decide(measurements(letters), consecutive_failures, pause_is_over=over) == decision
