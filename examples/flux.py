"""A release that Flux applies, as people see it: suspended, resumed, released twice under load.

`make demo AGENT=flux` runs it against the sandbox. Flux looks at Git every ten minutes by itself:
what is quicker, Shipway has nudged.
"""

from __future__ import annotations

import asyncio
import os
import sys

from rich.console import Console

from blocks.cluster import Cluster
from deployments.bootstrap import app, save
from examples import flux_objects, pulses, repositories
from examples.load import load
from examples.pulses import Pulse
from examples.rollouts import address, release_and_explain, show, show_addresses
from shipway.kubernetes.client import KubeClient

NAME = "pulse-flux"
ENVIRONMENT = "staging"
CLIENTS = 6

console = Console(highlight=False, soft_wrap=True)


async def tell_flux(client: KubeClient, pulse: Pulse, *, suspend: bool) -> None:
    """Have Flux know the app's folder."""
    folder = f"{ENVIRONMENT}/{pulse.name}"
    for body in flux_objects.objects(pulse.name, folder, os.environ, suspend=suspend):
        await client.apply(body, flux_objects.NAMESPACE, "demo")


async def demo() -> list[str]:
    """Run it; return what did not come out as promised."""
    repositories.shop()
    pulse = pulses.have(NAME, "rolling", os.environ)
    rollout = pulse.read("rollout.yaml")
    if "external_agent" not in rollout:
        pulse.write({"rollout.yaml": rollout + flux_objects.external_agent(NAME)})
    await save(app(NAME, pulse.code.remote().url, os.environ))
    cluster = await Cluster.aload(ENVIRONMENT)
    async with cluster.client() as client:
        return await releases(client, pulse)


async def releases(client: KubeClient, pulse: Pulse) -> list[str]:
    """Release while Flux is suspended, then twice while it is not."""
    await tell_flux(client, pulse, suspend=True)
    version = pulse.next_version()
    revision, before = pulse.version(version), pulse.trailers("Step")
    failure = await release_and_explain(pulse, "While Flux is suspended", revision)
    if failure is None or "is suspended" not in failure or pulse.trailers("Step") != before:
        return [f"a suspended Flux was not told of: {failure or 'it was released'}"]
    console.print(f"\n{failure.partition('exception: ')[2] or failure}")

    await tell_flux(client, pulse, suspend=False)
    failure = await release_and_explain(pulse, "The same, now that it goes on", revision)
    if failure is not None:
        return [failure]
    version = pulse.next_version()
    revision = pulse.version(version)
    async with load(await address(pulse, "rolling"), f"{NAME}.test", CLIENTS) as there:
        failure = await release_and_explain(pulse, f"Version {version}, under load", revision)
    show(there)
    await show_addresses(pulse)
    if failure is not None or there.failed:
        return [f"version {version}: {failure or f'{len(there.failed)} requests failed'}"]
    return []


def main() -> int:
    """Run the demo; the exit status tells whether it came out as promised."""
    broken = asyncio.run(demo())
    for promise in broken:
        console.print(f"[red]✗ {promise}[/red]")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
