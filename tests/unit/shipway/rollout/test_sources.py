from __future__ import annotations

import pytest

from shipway.app_environment import AppEnvironment
from shipway.errors import RefuseError
from shipway.rollout.sources import check_sources

ASIA = AppEnvironment(app="shop", environment="asia")


def got(**sources: tuple[str, ...]) -> str:
    with pytest.raises(RefuseError) as caught:
        check_sources(ASIA, sources.get)
    return str(caught.value.facts["got"])


def test_ways_that_begin_somewhere_are_right() -> None:
    ways: dict[str, tuple[str, ...]] = {"canary": (), "eu": ("canary",), "us": ("canary",)}
    check_sources(ASIA, {**ways, "asia": ("eu", "us")}.get)
    check_sources(ASIA, ways.get)


def test_a_source_that_is_not_there_is_refused() -> None:
    assert got(eu=(), asia=("eu", "us")) == "promotion.source: us"


def test_a_circle_is_refused_where_it_goes_through_the_environment() -> None:
    assert got(asia=("asia",)) == "asia ← asia"
    assert got(eu=("us",), us=("asia",), asia=("eu",)) == "asia ← eu ← us ← asia"
    # That one is told where it is.
    check_sources(ASIA, {"eu": ("us",), "us": ("eu",), "asia": ("eu",)}.get)
