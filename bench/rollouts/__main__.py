"""Rollouts on the real cluster, under constant load from a real HTTP client.

`make bench-rollouts` prints the tables and writes bench/results/rollouts.json.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable

from bench.common import outcome, page
from bench.common.section import Section
from bench.common.show import print_section
from bench.rollouts.bad_versions import bad_versions
from bench.rollouts.by_hand import by_hand
from bench.rollouts.downtime import downtime
from bench.rollouts.endings import endings
from bench.rollouts.kills import kills
from bench.rollouts.no_answer import no_answer
from bench.rollouts.rollbacks import rollbacks

RESULTS = page.RESULTS / "rollouts.json"
PARTS: dict[str, Callable[[], Awaitable[Section | list[Section]]]] = {
    "downtime": downtime,
    "endings": endings,
    "bad": bad_versions,
    "back": rollbacks,
    "kills": kills,
    "no-answer": no_answer,
    "by-hand": by_hand,
}


async def measure(names: list[str]) -> list[Section]:
    """Measure some parts, and print each as it is over."""
    measured: list[Section] = []
    for name in names:
        sections = await PARTS[name]()
        for section in sections if isinstance(sections, list) else [sections]:
            print_section(section)
            measured.append(section)
    return measured


def main() -> None:
    """Measure, print and write; end with 1 where a promise does not hold.

    With names of parts as arguments, only these are measured, and nothing is written.
    """
    begin = time.monotonic()
    # Prefect has the runs' logs; here they would stand between the tables.
    logging.getLogger().handlers.clear()
    logging.disable(logging.ERROR)
    sections = asyncio.run(measure(sys.argv[1:] or list(PARTS)))
    if not sys.argv[1:]:
        outcome.write(RESULTS, sections, time.monotonic() - begin)
    outcome.judge(sections)


if __name__ == "__main__":
    main()
