"""A release through its worker, beside the same workflow as a bash script.

`make bench` prints the tables and writes bench/results/release.json. All contenders release the
same app on the same engine, registry and Git server, in turn.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.common import outcome, page
from bench.common.parts import chosen
from bench.common.quiet import Quiet, quiet_machine
from bench.common.section import Section
from bench.common.show import console, print_section
from bench.release import results
from bench.release.as_run import as_run
from bench.release.at_once import at_once
from bench.release.empty import empty
from bench.release.growth import growth
from bench.release.history import history
from bench.release.large import large
from bench.release.least import least
from bench.release.memory import memory
from bench.release.part import Part
from bench.release.releases import releases
from bench.release.suite import suite

PARTS: Mapping[str, Callable[[Quiet], Part]] = {
    "releases": releases,
    "least": least,
    "as-run": as_run,
    "empty": empty,
    "suite": suite,
    "at-once": at_once,
    "large": large,
    "history": history,
    "growth": growth,
    "memory": memory,
}


def main() -> None:
    """Measure, print and write each part; end with 1 where a promise does not hold.

    With names of parts as arguments, only these are measured; of the others, what was measured
    before stays, with the versions of then.
    """
    names = chosen(PARTS) or list(PARTS)
    # Prefect has the runs' logs; here they would stand between the tables.
    logging.getLogger().handlers.clear()
    quiet = quiet_machine()
    sections: list[Section] = []
    for name in names:
        begin = time.monotonic()
        part = PARTS[name](quiet)
        for section in part.sections:
            print_section(section)
        sections += part.sections
        print_section(results.keep(name, part, time.monotonic() - begin))
        page.write()
    console.print(f"Written to {results.FILE.relative_to(Path.cwd())}")
    outcome.judge(sections)


if __name__ == "__main__":
    main()
