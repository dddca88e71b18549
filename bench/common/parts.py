"""A benchmark of parts, each a function that measures; any of them can be measured alone."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping

from bench.common import outcome, page
from bench.common.section import Section
from bench.common.show import print_section

Part = Callable[[], Awaitable[Section | list[Section]]]


def run_parts(name: str, parts: Mapping[str, Part]) -> None:
    """Measure, print and write; end with 1 where a promise does not hold.

    With names of parts as arguments, only these are measured, and nothing is written.

    Args:
        name: Of the benchmark, and of its file in bench/results.
        parts: What can be measured, by name.
    """
    begin, only = time.monotonic(), chosen(parts)
    # Prefect has the runs' logs; here they would stand between the tables.
    logging.getLogger().handlers.clear()
    logging.disable(logging.ERROR)
    sections = asyncio.run(_measure([parts[part] for part in only or parts]))
    if not only:
        outcome.write(page.RESULTS / f"{name}.json", sections, time.monotonic() - begin)
    outcome.judge(sections)


def chosen(known: Iterable[str]) -> list[str]:
    """The names that the command line has; end with 1 where one of them is not known."""
    names = sys.argv[1:]
    if unknown := set(names).difference(known):
        sys.exit(f"✗ expected {', '.join(known)}; got {', '.join(sorted(unknown))}")
    return names


async def _measure(parts: list[Part]) -> list[Section]:
    """Measure some parts, and print each as it is over."""
    measured = list[Section]()
    for part in parts:
        found = await part()
        for section in found if isinstance(found, list) else [found]:
            print_section(section)
            measured.append(section)
    return measured
