from __future__ import annotations

import pytest

from shipway.config.holds import HOLDS_FILE, Hold, Holds, holds_in, write_holds
from shipway.errors import RefuseError

HOLD = Hold(
    image="registry.example.org/shop@sha256:0",
    revision="f" * 40,
    reason='5xx: "too many" # and more',
    by="Ada <ada@example.org>",
    at="2026-11-24T01:02:03+00:00",
)


def test_what_is_written_is_read_again() -> None:
    other = HOLD.model_copy(update={"image": "other", "reason": "é\u2028😀"})
    written = write_holds(Holds(holds=[HOLD, other]))
    assert written is not None
    assert written.startswith(b"# Images that were rolled back.")
    assert holds_in({HOLDS_FILE: written}) == Holds(holds=[HOLD, other])


def test_without_a_file_nothing_is_held_and_nothing_held_is_no_file() -> None:
    assert holds_in({}) == Holds()
    assert write_holds(Holds()) is None


def test_a_hold_is_found_by_its_image() -> None:
    holds = Holds(holds=[HOLD])
    assert holds.of(HOLD.image) == HOLD
    assert holds.of("other") is None


def test_a_wrong_file_is_refused_by_its_line() -> None:
    with pytest.raises(RefuseError) as caught:
        holds_in({HOLDS_FILE: b"holds:\n- image: a\n  who: b\n"}, "prod/shop")
    assert caught.value.what.startswith("Unknown key 'holds.0.who'")
    assert caught.value.facts["where"] == "prod/shop/holds.yaml:3"
