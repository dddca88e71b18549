"""Releases on work pools beside each other: `python -m bench.pools INSTALLATION APP POOL POOL …`.

`PREFECT_API_URL` leads to an installation that has these pools, with a worker each. The app is
released there before: each run builds and commits nothing, so that all that differs is the pool.
The table is written into bench/results/pools.json, under the name of the installation.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
from collections.abc import Sequence
from typing import Any

from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentUpdate

from bench.common import page
from bench.common.deployed import RELEASE, call
from bench.common.section import Section
from bench.common.show import print_section
from bench.common.versions import versions

FILE = page.RESULTS / "pools.json"
RUNS = 5


async def measure(app: str, pools: Sequence[str]) -> dict[str, list[float]]:
    """Release an app in turn on each pool; return the seconds from call to end, by pool.

    The deployment is on the pool that it was on, afterwards.

    Raises:
        RuntimeError: A release did not complete.
    """
    seconds: dict[str, list[float]] = {pool: [] for pool in pools}
    async with get_client() as client:
        before = await client.read_deployment_by_name(RELEASE)
        try:
            for _ in range(RUNS):
                for pool in pools:
                    await _move(client, before.id, pool)
                    seconds[pool].append(await _release(app))
        finally:
            await _move(client, before.id, str(before.work_pool_name))
    return seconds


async def _move(client: PrefectClient, deployment: Any, pool: str) -> None:
    moved = DeploymentUpdate(work_pool_name=pool, work_queue_name="default")
    await client.update_deployment(deployment, moved)


async def _release(app: str) -> float:
    called = await call(RELEASE, {"app": app})
    if called.state != "Completed":
        raise RuntimeError(f"run {called.run} of {app}: {called.state}: {called.message}")
    return called.seconds


def table(installation: str, seconds: dict[str, list[float]]) -> Section:
    """Medians, their range, and how many times as long as on the first pool."""
    medians = {pool: statistics.median(each) for pool, each in seconds.items()}
    first = next(iter(medians.values()))
    return Section(
        title=f"The same commit again: {installation}",
        about=f"Seconds from the call to the end of the run, {RUNS} times, each pool in turn.",
        rows=tuple(
            {
                "Pool": pool,
                "Seconds": f"{medians[pool]:.1f} ({min(each):.1f}–{max(each):.1f})",
                "To the first": f"{medians[pool] / first:.2f} ×",
            }
            for pool, each in seconds.items()
        ),
        promises={},
    )


def keep(installation: str, section: Section) -> None:
    """Write a table beside those of other installations."""
    parts: dict[str, Any] = json.loads(FILE.read_text())["parts"] if FILE.exists() else {}
    parts[installation] = {"sections": [section.model_dump()], "versions": versions()}
    FILE.write_text(json.dumps({"parts": parts}, indent=2, ensure_ascii=False) + "\n")
    page.write()


def main() -> None:
    """Measure, print the table, and write it."""
    parser = argparse.ArgumentParser(prog="bench.pools")
    parser.add_argument("installation", help="as what it stands in the results")
    parser.add_argument("app")
    parser.add_argument("pools", nargs="+", metavar="pool")
    given = parser.parse_args()
    section = table(given.installation, asyncio.run(measure(given.app, given.pools)))
    print_section(section)
    keep(given.installation, section)


if __name__ == "__main__":
    main()
