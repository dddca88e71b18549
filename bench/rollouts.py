"""Rollouts on the real cluster, under constant load from a real HTTP client.

`make bench-rollouts` prints the tables and writes bench/results/rollouts.json.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bench import page
from bench.bad_versions import bad_versions
from bench.by_hand import by_hand
from bench.downtime import downtime
from bench.kills import kills
from bench.no_answer import no_answer
from bench.section import Section
from bench.show import console, print_section
from bench.versions import versions
from bench.way_back import way_back

RESULTS = Path(__file__).with_name("results") / "rollouts.json"
PARTS: dict[str, Callable[[], Awaitable[Section | list[Section]]]] = {
    "downtime": downtime,
    "bad": bad_versions,
    "back": way_back,
    "kills": kills,
    "no-answer": no_answer,
    "by-hand": by_hand,
}


async def measure(names: list[str]) -> list[Section]:
    """Measure some parts, and print each as it is over."""
    found: list[Section] = []
    for name in names:
        sections = await PARTS[name]()
        for section in sections if isinstance(sections, list) else [sections]:
            print_section(section)
            found.append(section)
    return found


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
        result: dict[str, Any] = {
            "sections": [one.model_dump() for one in sections],
            "seconds": round(time.monotonic() - begin),
            "versions": versions(),
        }
        RESULTS.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
        page.write()
        console.print(f"Written to {RESULTS.relative_to(Path.cwd())}")
    if not all(held for section in sections for held in section.promises.values()):
        sys.exit("✗ a promise does not hold; see the tables")


if __name__ == "__main__":
    main()
