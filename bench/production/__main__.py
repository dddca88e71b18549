"""Many releases over two API servers and several workers, and what more of them would need.

`make bench-production` prints the tables and writes bench/results/production.json.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time

from prefect.settings import PREFECT_API_URL, temporary_settings

from bench.common import outcome, page
from bench.common.section import Section
from bench.common.show import print_section
from bench.production import sizing, tables
from bench.production.at_once import at_once
from bench.production.by_workers import measure_workers


def main() -> None:
    """Measure, print and write; end with 1 where a promise does not hold."""
    begin = time.monotonic()
    # Prefect has the runs' logs; here they would stand between the tables.
    logging.getLogger().handlers.clear()
    logging.disable(logging.ERROR)
    with temporary_settings({PREFECT_API_URL: os.environ["SHIPWAY_SERVERS_API_URL"]}):
        sections = asyncio.run(_measure())
    outcome.write(page.RESULTS / "production.json", sections, time.monotonic() - begin)
    outcome.judge(sections)


async def _measure() -> list[Section]:
    measured = await measure_workers()
    sections = tables.by_workers(measured)
    for section in sections:
        print_section(section)
    passes = await at_once()
    all_at_once = tables.at_once(passes)
    print_section(all_at_once)
    costs = sizing.costs_of(measured[0])
    modelled = [
        sizing.checked(costs, measured, next(iter(passes.values()))),
        *sizing.sized(costs, measured[0].connections),
    ]
    for section in modelled:
        print_section(section)
    return [*sections, all_at_once, *modelled]


if __name__ == "__main__":
    main()
