"""The test pyramid: shards, failing fast, flakes, kill -9, real suites and odd results.

`make bench-pyramid` prints the tables and writes bench/results/pyramid.json.
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
import time
from pathlib import Path

from docker import DockerClient

from bench.common import outcome, page
from bench.common.apps import prepare, remove
from bench.common.section import Section
from bench.common.show import print_section
from bench.pyramid.killed import killed
from bench.pyramid.nights import nights
from bench.pyramid.odd import odd
from bench.pyramid.pypi import pypi
from bench.pyramid.red import red
from bench.pyramid.shards import shards

RESULTS = page.RESULTS / "pyramid.json"


def main() -> None:
    """Measure, print and write; end with 1 where a promise does not hold."""
    begin = time.monotonic()
    # Prefect has the runs' logs; here they would stand between the tables.
    logging.getLogger().handlers.clear()
    sections: list[Section] = []
    with tempfile.TemporaryDirectory() as state:
        # A ledger and mirrors of the bench's own.
        os.environ["SHIPWAY_STATE"] = state
        for measure in (_shards, _releases, _nights, _pypi, _odd):
            for section in measure():
                print_section(section)
                sections.append(section)
    outcome.write(RESULTS, sections, time.monotonic() - begin)
    outcome.judge(sections)


def _shards() -> list[Section]:
    return [asyncio.run(shards())]


def _nights() -> list[Section]:
    return [asyncio.run(nights())]


def _pypi() -> list[Section]:
    return [asyncio.run(pypi())]


def _odd() -> list[Section]:
    return [asyncio.run(odd())]


def _releases() -> list[Section]:
    """The one that is killed leaves a green release, and the red one finds it."""
    with tempfile.TemporaryDirectory() as folder:
        app = prepare("shipway", Path(folder))
        client = DockerClient(base_url=os.environ["DOCKER_HOST"])
        try:
            return [killed(app, client), asyncio.run(red(app, client))]
        finally:
            client.close()
            remove(app.name)


if __name__ == "__main__":
    main()
