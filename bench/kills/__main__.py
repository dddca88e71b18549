"""`kill -9` of a release's run, its worker and its warm parent, and its cancel, in each stage.

`make bench-kills` prints the tables and writes bench/results/kills.json.
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import cast

from docker import DockerClient
from prefect import get_client

from bench.common import outcome, page
from bench.common.apps import App, prepare, remove
from bench.common.parts import chosen
from bench.common.section import Section
from bench.common.show import console, print_section
from bench.kills.app import make_slow
from bench.kills.cases import Bench, Case, case, release_once
from bench.kills.hits import TITLES, Kind
from bench.kills.own_worker import own_worker
from bench.kills.sections import section
from bench.kills.stages import STAGES

RESULTS = page.RESULTS / "kills.json"


def main() -> None:
    """Measure, print and write; end with 1 where a promise does not hold.

    With kinds of hits as arguments, only these are measured, and nothing is written.
    """
    begin = time.monotonic()
    # Prefect has the runs' logs; here they would stand between the tables.
    logging.getLogger().handlers.clear()
    logging.disable(logging.ERROR)
    only = chosen(TITLES)
    kinds = cast("list[Kind]", only or list(TITLES))
    registry_log = Path(os.environ["SHIPWAY_STATE"], "log", "docker-registry.log")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as state:
        # A ledger and mirrors of the bench's own.
        os.environ["SHIPWAY_STATE"] = state
        app = prepare("shipway", Path(state))
        try:
            make_slow(app)
            sections = asyncio.run(measure(app, kinds, registry_log, Path(state).resolve()))
        finally:
            remove(app.name)
    if not only:
        outcome.write(RESULTS, sections, time.monotonic() - begin)
    outcome.judge(sections)


async def measure(
    app: App, kinds: Sequence[Kind], registry_log: Path, folder: Path
) -> list[Section]:
    """Hit releases in each stage, and print a table for each kind of hit.

    Args:
        app: The app that is released.
        kinds: What it is hit with.
        registry_log: The registry's access log.
        folder: The state folder of its runs.
    """
    sections: list[Section] = []
    with closing(DockerClient(base_url=os.environ["DOCKER_HOST"])) as engine:
        async with (
            get_client() as client,
            own_worker(client, app.env, folder / "worker.log") as worker,
        ):
            bench = Bench(app, client, engine, worker, registry_log, folder / "work")
            await release_once(bench)
            for kind in kinds:
                cases: list[Case] = []
                for stage in STAGES:
                    console.print(f"  {TITLES[kind]} in {stage} …")
                    cases.append(await case(bench, kind, stage))
                sections.append(section(kind, cases))
                print_section(sections[-1])
    return sections


if __name__ == "__main__":
    main()
