"""What the end of a hold says, and when there is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shipway.config.holds import Holds, write_holds
from shipway.errors import RefuseError
from tests.support.memory_ops import MemoryShop
from tests.support.rolling_environment import ROLLOUT, WEB, image
from tests.support.run_contexts import LINK, run_context

FIRST, SECOND = "f00" + "1" * 37, "f00" + "2" * 37
REVIEW = "https://git.example.org/acme/ops/pulls/7"


@pytest.fixture
def shop() -> MemoryShop:
    return MemoryShop({"rollout.yaml": ROLLOUT, "web.yaml": WEB})


def held(shop: MemoryShop) -> list[str]:
    return [hold.revision for hold in shop.holds()]


@pytest.mark.parametrize("revision", ["", "f00"])
def test_a_hold_that_is_not_there_is_not_cleared(shop: MemoryShop, revision: str) -> None:
    with pytest.raises(RefuseError) as caught:
        shop.clear_hold(revision)
    assert str(caught.value) == (
        f"There is no single hold on {revision!r}.\n"
        "  where:     prod/shop/holds.yaml at 0000000\n"
        "  expected:  the beginning of one held revision's id, or of one held image's digest\n"
        "  got:       no hold at all\n"
        "  untouched: the ops repository and the cluster"
    )


@pytest.mark.parametrize("revision", ["f00", ""])
def test_of_several_holds_none_is_cleared_by_chance(shop: MemoryShop, revision: str) -> None:
    tip = shop.hold(FIRST, SECOND)
    with pytest.raises(RefuseError) as caught:
        shop.clear_hold(revision)
    assert caught.value.facts["got"] == f"{FIRST}: {image(1)}\n{SECOND}: {image(2)}"
    assert shop.memory.tip == tip


def test_the_only_hold_is_not_cleared_without_saying_which(shop: MemoryShop) -> None:
    shop.hold(FIRST)
    with pytest.raises(RefuseError, match="There is no single hold on ''"):
        shop.clear_hold("")


def test_a_cleared_hold_is_one_commit_that_says_why_and_who(shop: MemoryShop) -> None:
    shop.hold(FIRST, SECOND)
    begin = datetime.now(UTC)
    cleared = shop.clear_hold("f002")
    assert begin <= cleared.at <= datetime.now(UTC)
    assert (cleared.commit, cleared.new, cleared.link) == (shop.memory.tip, True, "0000000")
    assert held(shop) == [FIRST]
    assert shop.memory.messages[cleared.commit] == (
        "shop f002222 may go to prod again\n"
        "\n"
        "App: shop\n"
        "Environment: prod\n"
        f"Hold-Cleared: {image(2)}\n"
        "Reason: mended\n"
        "By: Grace\n"
        f"Run: {LINK}1\n"
    )


DIGEST = str(image(2).digest)


@pytest.mark.parametrize(
    "name", [str(image(2)), DIGEST, DIGEST[:12], DIGEST.partition(":")[2][:12]]
)
def test_a_hold_can_be_named_by_its_image(shop: MemoryShop, name: str) -> None:
    shop.hold(FIRST, SECOND)
    shop.clear_hold(name)
    assert held(shop) == [FIRST]


def test_the_holds_on_one_image_are_cleared_together(shop: MemoryShop) -> None:
    shop.hold(FIRST, SECOND)
    first, second = shop.holds()
    twice = [first, second, first.model_copy(update={"by": "Grace"})]
    shop.memory.edit({"holds.yaml": write_holds(Holds(holds=twice))})
    shop.clear_hold(FIRST)
    assert held(shop) == [SECOND]


def test_the_last_hold_takes_its_file_along(shop: MemoryShop) -> None:
    shop.hold(FIRST)
    shop.clear_hold(FIRST)
    assert "holds.yaml" not in shop.memory.files


def test_a_run_that_is_started_again_has_cleared_it_already(shop: MemoryShop) -> None:
    shop.hold(FIRST, SECOND)
    first = shop.clear_hold(FIRST)
    again = shop.clear_hold(FIRST)
    assert (again.commit, again.new) == (first.commit, False)
    shop.run = run_context(2)
    with pytest.raises(RefuseError, match="There is no single hold on"):
        shop.clear_hold(FIRST)


def test_another_run_clears_the_next_one(shop: MemoryShop) -> None:
    shop.hold(FIRST, SECOND)
    shop.clear_hold(FIRST)
    shop.run = run_context(2)
    assert shop.clear_hold(SECOND).new
    assert held(shop) == []


def test_a_hold_that_somebody_else_cleared_first_is_cleared(shop: MemoryShop) -> None:
    shop.hold(FIRST, SECOND)
    shop.memory.meanwhile = lambda: shop.hold(SECOND, first=2)
    cleared = shop.clear_hold(FIRST)
    assert (cleared.commit, cleared.new) == (shop.memory.tip, False)


def test_a_hold_that_is_still_there_after_a_lost_race_is_cleared(shop: MemoryShop) -> None:
    shop.hold(FIRST)
    shop.memory.meanwhile = lambda: shop.hold(FIRST, SECOND)
    assert shop.clear_hold(FIRST).new
    assert held(shop) == [SECOND]


def test_the_run_is_told_where_people_merge_it(shop: MemoryShop) -> None:
    shop.hold(FIRST)
    told: list[str] = []
    shop.memory.review = REVIEW
    shop.run = replace(shop.run, on_review=told.append)
    shop.clear_hold(FIRST)
    assert told == [REVIEW]


def test_a_holds_file_that_cannot_be_read_is_named(shop: MemoryShop) -> None:
    shop.memory.edit({"holds.yaml": b"holds: 1\n"})
    with pytest.raises(RefuseError) as caught:
        shop.clear_hold(FIRST)
    assert str(caught.value.facts["where"]).startswith("prod/shop/holds.yaml:1")
