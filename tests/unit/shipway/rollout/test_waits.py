"""When the reasons for which a rollout waits are news."""

from __future__ import annotations

from shipway.kubernetes.obstacles import Obstacle
from shipway.rollout.waits import LASTS_SECONDS, Waits

PULL, CRASH = Obstacle(words="ErrImagePull: no such image"), Obstacle(words="exit code 3")
LATER = LASTS_SECONDS


def test_a_reason_that_lasts_is_new_once() -> None:
    waits = Waits()
    assert waits.new([PULL], 0) == []
    assert waits.new([PULL], LATER) == [PULL]
    assert waits.new([PULL], 2 * LATER) == []


def test_what_passes_at_once_is_no_news() -> None:
    waits = Waits()
    assert waits.new([PULL], 0) == []
    assert not waits.are_over([])
    assert waits.new([PULL], LATER) == []


def test_two_reasons_that_come_by_turns_are_told_once_each() -> None:
    waits, told = Waits(), list[Obstacle]()
    for second in range(10):
        told += waits.new([PULL if second % 2 else CRASH], second)
    assert told == [CRASH, PULL]


def test_it_is_over_once_and_what_comes_again_is_new() -> None:
    waits = Waits()
    waits.new([PULL, CRASH], 0)
    assert waits.new([PULL, CRASH], LATER) == [PULL, CRASH]
    assert not waits.are_over([CRASH])
    assert [waits.are_over([]), waits.are_over([])] == [True, False]
    waits.new([PULL], 9)
    assert waits.new([PULL], 9 + LATER) == [PULL]
