"""Split tests over shards by what they took before. Standard library only: it goes into images.

Longest processing time first (Graham, 1969): the longest test left goes to the shard with the least
work. Its makespan is at most 4/3 of the best there is, and far closer with many small tests.
"""

from __future__ import annotations

import heapq
import statistics
from collections.abc import Iterable, Mapping, Sequence


def expected(units: Iterable[str], seconds: Mapping[str, float]) -> dict[str, float]:
    """What each unit should take: its recorded seconds; for an unseen one, the median of the rest.

    Args:
        units: Tests, or files.
        seconds: What units took before.
    """
    names = sorted(set(units))
    known = [seconds[name] for name in names if name in seconds]
    median = statistics.median(known) if known else 1.0
    return {name: seconds.get(name, median) for name in names}


def split(load: Mapping[str, float], shards: int) -> list[list[str]]:
    """The units of each shard; the same load gives the same split, in whatever order it comes.

    Args:
        load: Seconds that each unit should take.
        shards: How many.
    """
    parts: list[list[str]] = [[] for _ in range(shards)]
    # The count breaks ties, so that units without a duration spread out as well.
    heap = [(0.0, 0, number) for number in range(shards)]
    for name in sorted(load, key=lambda name: (-load[name], name)):
        total, count, number = heap[0]
        parts[number].append(name)
        heapq.heapreplace(heap, (total + load[name], count + 1, number))
    return parts


def makespan(parts: Sequence[Sequence[str]], load: Mapping[str, float]) -> float:
    """Seconds that the slowest shard should take."""
    return max((sum(load[name] for name in part) for part in parts), default=0.0)


def shard_count(seconds: Iterable[float], most: int, least_seconds: float) -> int:
    """The fewest shards that are about as quick as `most`; each with enough work to be worth it.

    Args:
        seconds: What the tests took before; with none known, one shard finds out.
        most: How many may run at once.
        least_seconds: Work below which a further shard costs more than it saves.
    """
    load = {str(number): value for number, value in enumerate(seconds)}
    most = max(1, min(most, int(sum(load.values()) // least_seconds), len(load)))
    best = makespan(split(load, most), load)
    counts = (
        count for count in range(1, most) if makespan(split(load, count), load) <= 1.05 * best
    )
    return next(counts, most)


def by_file(load: Mapping[str, float], files: Mapping[str, str]) -> dict[str, float]:
    """The load of whole files.

    Args:
        load: Seconds that each test should take.
        files: The file of each test.
    """
    total: dict[str, float] = {}
    for name, seconds in load.items():
        total[files[name]] = total.get(files[name], 0.0) + seconds
    return total
