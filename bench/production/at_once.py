"""Many releases at once over two API servers; then some again, and one of the two is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from prefect import get_client
from prefect.client.orchestration import PrefectClient

from bench.common.command import HOME
from bench.production.calls import call, ends, runs_of, timed
from bench.production.cpu import process_of
from bench.production.fleet import Fleet, fleet
from bench.production.small_apps import SmallApp, change, small_apps
from bench.production.traces import Counted, traces_of, unlike

RELEASES, WORKERS, LIMIT = 50, 3, 4
# While a server is killed.
RELEASES_KILLED = 25
# The server is killed when so many are over, and starts again at once.
OVER_AT_KILL = 10
KILLED = "prefect-api-1"


class Pass(NamedTuple):
    """What came of releases that were started at once.

    Attributes:
        releases: How many there were.
        completed: How many of them say that they are released.
        counted: What is lost of them, and what is there twice.
        seconds: Until all were over.
        each: How long each took, in seconds.
        queued: Of these, how long each waited for a worker.
    """

    releases: int
    completed: int
    counted: Counted
    seconds: float
    each: list[float]
    queued: list[float]


async def at_once() -> dict[str, Pass]:
    """Two passes of the same apps, by what happens meanwhile."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        async with (
            get_client() as client,
            small_apps(RELEASES) as apps,
            fleet(client, Path(folder), WORKERS, LIMIT) as workers,
        ):
            alone = await release_alone(client, workers, apps[0])
            return {
                "nothing": await release_at_once(client, workers, apps, alone),
                f"kill -9 of an API server when {OVER_AT_KILL} are over": await release_at_once(
                    client, workers, apps[:RELEASES_KILLED], alone, kill_and_start
                ),
            }


async def release_alone(client: PrefectClient, workers: Fleet, app: SmallApp) -> Counter[str]:
    """Release an app while nothing else is released, and return what it leaves.

    Raises:
        SystemExit: It does not come out as it must.
    """
    called = await call(client, workers.pool.deployment, app)
    await ends(client, [called])
    # All of it is there when nothing more has come for a while.
    found = Counter[str]()
    while (now := await traces_of(client, called)) != found or not found:
        found = now
        await asyncio.sleep(5)
    if not {
        "event prefect.flow-run.Completed of APP REVISION → staging",
        "commit of its image",
    } <= set(found):
        raise SystemExit(f"✗ a release that is left alone: {found}")
    return found


async def release_at_once(
    client: PrefectClient,
    workers: Fleet,
    apps: Sequence[SmallApp],
    alone: Counter[str],
    meanwhile: Callable[[], Awaitable[None]] | None = None,
) -> Pass:
    """Release a change of each app, all at once, and count what they leave."""
    for app in apps:
        change(app)
    begin = datetime.now(UTC)
    calls = await asyncio.gather(*(call(client, workers.pool.deployment, app) for app in apps))
    if meanwhile is not None:
        await ends(client, calls, OVER_AT_KILL)
        await meanwhile()
    await ends(client, calls)
    runs = await runs_of(client, calls)
    last = max(run.end_time for run in runs if run.end_time)
    took = [timed(run) for run in runs]
    return Pass(
        releases=len(calls),
        completed=sum(run.state_name == "Completed" for run in runs),
        counted=await unlike(client, calls, alone),
        seconds=(last - begin).total_seconds(),
        each=[one.seconds for one in took],
        queued=[one.queued for one in took],
    )


async def kill_and_start() -> None:
    """End one of the API servers without a word, and start it again."""
    os.killpg(process_of(KILLED), signal.SIGKILL)
    up = ["docker/sandbox", "up", "--cluster", "none", "--servers"]
    started = await asyncio.create_subprocess_exec(
        sys.executable, *up, cwd=HOME, stdout=asyncio.subprocess.DEVNULL
    )
    if await started.wait() != 0:
        raise SystemExit(f"✗ {KILLED} does not start again")
