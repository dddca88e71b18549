"""A rollout as people see it: a version that goes well, then one that does not, under load.

`make demo STRATEGY=canary` (or blue-green, rolling) runs it against the sandbox. Each release is a
run of the deployment release/release; meanwhile a client asks for the page, and what it was
answered is shown.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from typing import Any

from prefect import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort
from rich.console import Console
from rich.table import Table

from blocks.cluster import Cluster
from deployments.bootstrap import app, save
from examples import pulses, repositories
from examples.follow import RunFailed, release
from examples.load import Load, load
from examples.pulses import Pulse, Strategy

ENVIRONMENT = "staging"
CLIENTS = 6
# What a version does that the strategy's own gate is to notice.
BAD: dict[str, dict[str, Any]] = {
    "canary": {"fails_percent": 20},
    "blue-green": {"fails_percent": 100},
    "rolling": {"crashes_after_seconds": 0.1},
}

console = Console(highlight=False, soft_wrap=True)


async def address(pulse: Pulse, strategy: Strategy) -> str:
    """Where clients ask: at the gateway, or at the Service."""
    if strategy == "canary":
        return os.environ["SHIPWAY_GATEWAY"]
    cluster = await Cluster.aload(ENVIRONMENT)
    async with cluster.client() as client:
        service = await client.get("v1", "Service", pulse.name, pulse.name)
    assert service is not None  # it was released
    return f"http://{service['spec']['clusterIP']}/"


async def release_and_explain(pulse: Pulse, title: str, revision: str) -> str | None:
    """Release one revision; return why it failed, if it did."""
    console.print(f"\n[bold]{title}[/bold]  {revision[:7]}")
    try:
        await release(console, pulse.name, revision, ENVIRONMENT, "healthy")
    except RunFailed as error:
        return str(error)
    return None


async def demo(strategy: Strategy) -> list[str]:
    """Run it; return what did not come out as promised."""
    repositories.shop()
    pulse = pulses.have(f"pulse-{strategy}", strategy, os.environ)
    await save(app(pulse.name, pulse.code.remote().url, os.environ))
    if not pulse.trailers("Step"):
        failure = await release_and_explain(
            pulse, "The first version", pulse.code.head.commit.hexsha
        )
        if failure is not None:
            return [failure]
    url, host = await address(pulse, strategy), f"{pulse.name}.test"
    broken: list[str] = []

    version = pulse.next_version()
    good = pulse.version(version)
    async with load(url, host, CLIENTS) as there:
        failure = await release_and_explain(pulse, f"Version {version}, which is well", good)
    show(there)
    if failure is not None or there.failed:
        broken.append(f"version {version}: {failure or f'{len(there.failed)} requests failed'}")

    bad = pulse.next_version()
    revision = pulse.version(bad, **BAD[strategy])
    async with load(url, host, CLIENTS) as back:
        failure = await release_and_explain(pulse, f"Version {bad}, which is not", revision)
    show(back)
    if failure is None or "is back at" not in failure:
        broken.append(f"version {bad} was not led back: {failure or 'it was released'}")
    else:
        console.print(f"\n{failure.partition('exception: ')[2] or failure}")
    if back.bodies[-1].strip() != version:
        broken.append(f"{back.bodies[-1].strip()} is served in the end, not {version}")
    await show_addresses(pulse)
    return broken


def show(load: Load) -> None:
    """Who answered the requests."""
    table = Table("Answered by", "Requests", "Share")
    answered = Counter(text.strip() for _, text in load.answers)
    counts = [*sorted(answered.items()), ("failed", len(load.failed))]
    for version, count in counts:
        table.add_row(version, str(count), f"{100 * count / sum(n for _, n in counts):.1f} %")
    console.print(table)


async def show_addresses(pulse: Pulse) -> None:
    """Where to look now."""
    ui = os.environ["PREFECT_API_URL"].removesuffix("/api")
    key = f"{pulse.name}-{ENVIRONMENT}-rollout"
    async with get_client() as client:
        timelines = await client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])),
            sort=ArtifactSort.CREATED_DESC,
            limit=2,
        )
    console.print(f"\nPrefect UI      {ui}/runs")
    for timeline in reversed(timelines):
        console.print(f"A timeline      {ui}/artifacts/artifact/{timeline.id}")
    ops = f"{os.environ['SHIPWAY_STATE']}/git/ops.git"
    console.print(f"The ops commits git -C {ops} log -- {ENVIRONMENT}/{pulse.name}")


def main() -> int:
    """Run the demo; the exit status tells whether it came out as promised."""
    strategy = sys.argv[1] if len(sys.argv) == 2 else ""
    if strategy not in BAD:
        console.print(f"[red]✗ STRATEGY is one of {', '.join(BAD)}, not {strategy!r}[/red]")
        return 2
    broken = asyncio.run(demo(strategy))  # type: ignore[arg-type]
    for promise in broken:
        console.print(f"[red]✗ {promise}[/red]")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
