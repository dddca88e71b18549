"""How a release ends: its state in Prefect, its report, and when its containers were over."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

from docker import DockerClient
from prefect.client.orchestration import PrefectClient

from bench.common.summary import summary
from bench.kills.left import containers_of
from bench.kills.stages import ReleaseRun

POLL_SECONDS = 0.2
END_SECONDS = 300
DONE, NONE = "done", "–"


class End(NamedTuple):
    """The end of a release.

    Attributes:
        state: Its final state; of one that does not end, that it goes on.
        last_container_seconds: When a container of it was last seen to run, in seconds since the
            begin of the wait; 0 where there was none.
    """

    state: str
    last_container_seconds: float


async def wait_for_end(client: PrefectClient, engine: DockerClient, release: ReleaseRun) -> End:
    """Wait until a release is over and none of its containers runs, or for long enough."""
    begin, last = time.monotonic(), 0.0
    while True:
        state = (await client.read_flow_run(release.id)).state
        containers = await asyncio.to_thread(containers_of, engine, release, running=True)
        seconds = time.monotonic() - begin
        if containers:
            last = seconds
        name = str(state and state.name)
        is_final = state is not None and state.is_final()
        if is_final and not containers:
            return End(name, last)
        if seconds > END_SECONDS:
            return End(name if is_final else f"still {name}", last)
        await asyncio.sleep(POLL_SECONDS)


async def report_of(release: ReleaseRun) -> str:
    """What the summary of a release says: that it is done, or its error; `–` if it wrote none."""
    said = await summary(release.app, release.id)
    if said is None:
        return NONE
    error = said["error"]
    return DONE if error is None else str(error).partition("\n")[0]
