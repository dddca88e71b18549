"""Contenders that are measured in turn, round after round, on a quiet machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

from bench.common.quiet import Pair, Quiet, undisturbed
from bench.common.show import console

Result = TypeVar("Result")

ROUNDS = 5


class Rounds(NamedTuple, Generic[Result]):
    """What each contender came to, round by round, and how often each was disturbed."""

    results: dict[str, list[Result]]
    pairs: list[Pair]


def rounds(
    quiet: Quiet, contenders: Mapping[str, Callable[[], Result]], count: int = ROUNDS
) -> Rounds[Result]:
    """Measure each contender in each round."""
    measured = nothing_yet(contenders)
    for number in range(count):
        one_round(quiet, contenders, number, measured)
        console.print(f"  round {number + 1} of {count}")
    return measured


def nothing_yet(contenders: Iterable[str]) -> Rounds[Any]:
    """What there is before the first round."""
    return Rounds({name: [] for name in contenders}, [])


def one_round(
    quiet: Quiet,
    contenders: Mapping[str, Callable[[], Result]],
    number: int,
    measured: Rounds[Result],
) -> dict[str, Result]:
    """Measure each contender once more; who goes first changes each round."""
    done, pair = undisturbed(partial(_in_turn, contenders, number), quiet)
    measured.pairs.append(pair)
    for name, result in done.items():
        measured.results[name].append(result)
    return done


def how(*measured: Rounds[Any]) -> str:
    """What the figures are, and how often the machine was disturbed."""
    pairs = [pair for one in measured for pair in one.pairs]
    again, left = sum(pair.disturbed for pair in pairs), sum(not pair.settled for pair in pairs)
    return (
        f"Median of {len(measured[0].pairs)} (least–most), in seconds. Of {len(pairs)} rounds, "
        f"{again} were disturbed and made again; {left} of those that count were disturbed too."
    )


def _in_turn(contenders: Mapping[str, Callable[[], Result]], number: int) -> dict[str, Result]:
    names, first = list(contenders), number % len(contenders)
    return {name: contenders[name]() for name in names[first:] + names[:first]}
