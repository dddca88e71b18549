"""What 500 releases leave behind, while retention removes what is old.

`make bench-soak` prints the table and writes bench/results/soak.json. With a number of releases as
its argument, only so many are made, and nothing is written.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, closing

import httpx
from docker import DockerClient

from bench.common import outcome, page
from bench.common.apps import App
from bench.common.deployed import call
from bench.common.section import Cell, Section
from bench.common.show import console, print_section
from bench.soak.left import MEBI, left
from bench.soak.releases import APPS, AT_ONCE, release, soaked_apps
from blocks.retention import Retention

RELEASES, LOOKS = 500, 5
RETENTION = "retention/retention"
EACH = 25
CACHE = 512 * MEBI
# Nothing stays for its age, so that an hour shows what months do.
KEEP = Retention(
    registry_is_ours=True,
    registry_days=0,
    engine_days=0,
    run_days=0,
    agent_run_days=0,
    test_days=0,
    green_days=0,
)
VACUUM_SECONDS = 60
FLAT = 1.1
# What less than this is counts as it: a tenth of nearly nothing is noise.
LITTLE = 10


def main() -> None:
    """Release, remove, look; end with 1 where something grew after the first look."""
    begin = time.monotonic()
    releases = int(sys.argv[1]) if sys.argv[1:] else RELEASES
    # Prefect has the runs' logs; here they would stand between the tables.
    logging.getLogger().handlers.clear()
    logging.disable(logging.ERROR)
    with soaked_apps() as apps, closing(DockerClient.from_env()) as client:
        sections = [_section(asyncio.run(_soak(client, apps, releases)))]
    print_section(sections[0])
    if releases == RELEASES:
        outcome.write(page.RESULTS / "soak.json", sections, time.monotonic() - begin)
    outcome.judge(sections)


async def _soak(
    client: DockerClient, apps: list[App], releases: int
) -> Mapping[int, dict[str, float]]:
    """What was left at each look, by the number of releases before it."""
    await _check_server()
    looks: dict[int, dict[str, float]] = {}
    async with _keeping_little():
        for last in range(EACH, releases + 1, EACH):
            await release(apps, range(last - EACH, last))
            client.api.prune_builds(keep_storage=CACHE)
            called = await call(RETENTION, {"dry_run": False})
            console.print(f"  {last} of {releases} releases; retention: {called.message}")
            if called.state != "Completed":
                sys.exit(f"✗ retention ended as {called.state}: {called.message}")
            if last % (releases // LOOKS) == 0:
                await asyncio.sleep(2 * VACUUM_SECONDS)
                looks[last] = await left(client, apps)
    return looks


async def _check_server() -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{os.environ['PREFECT_API_URL']}/admin/settings")
    settings = answer.raise_for_status().json()
    vacuum = settings["server"]["services"]["db_vacuum"]
    if vacuum["orphan_cleanup_loop_seconds"] != VACUUM_SECONDS:
        sys.exit(
            "✗ this Prefect server cleans up too rarely for a soak; its settings are read when it "
            "starts: make down, and make bench-soak"
        )


@asynccontextmanager
async def _keeping_little() -> AsyncGenerator[None]:
    before = await Retention.aload("default")
    await KEEP.asave("default", overwrite=True)
    try:
        yield
    finally:
        await Retention.model_validate(before.model_dump()).asave("default", overwrite=True)


def _section(looks: Mapping[int, dict[str, float]]) -> Section:
    first, last = min(looks), max(looks)
    grown = {
        thing: max(looks[last][thing], LITTLE) / max(count, LITTLE)
        for thing, count in looks[first].items()
    }
    rows: tuple[dict[str, Cell], ...] = tuple(
        {
            "After so many releases": thing,
            **{str(number): f"{look[thing]:,.0f}" for number, look in looks.items()},
            f"{last} : {first}": f"{ratio:.2f}",
        }
        for thing, ratio in grown.items()
    )
    return Section(
        title=f"What {last} releases leave",
        about=f"{APPS} apps in turn, {AT_ONCE} at once, up to the commit: of ten releases of an "
        "app eight change a line, one is red, and one is of the commit before. After every "
        f"{EACH} the deployment {RETENTION} runs, with no age at which something goes and the "
        "default counts, and the build cache is cut to "
        f"{CACHE // MEBI} MiB. The server keeps events for {VACUUM_SECONDS} s, and removes "
        f"orphans every {VACUUM_SECONDS} s. A look comes after {2 * VACUUM_SECONDS} s of rest and "
        f"the registry's own garbage collection. Ratios count less than {LITTLE} as {LITTLE}.",
        rows=rows,
        promises={
            f"nothing is more than {FLAT} times of what it was after {first}": all(
                ratio <= FLAT for ratio in grown.values()
            )
        },
    )


if __name__ == "__main__":
    main()
