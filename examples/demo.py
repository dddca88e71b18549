"""The main job, as a team would run it: v1, then v2, then v2 once more.

`make demo` runs it against the sandbox. It starts each release as a run of the deployment
release/release, shows its stages while they happen, asks the cluster which version it serves, and
writes what it saw to demo.json in the state folder.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from git import Repo
from rich.console import Console
from rich.table import Table

from blocks.cluster import Cluster
from deployments.bootstrap import app, save
from examples import repositories
from examples.follow import NoCluster, RunFailed, release

APP, ENVIRONMENT = "shop", "staging"
NAMESPACE = f"{APP}-{ENVIRONMENT}"
SERVICE = f"/api/v1/namespaces/{NAMESPACE}/services/{APP}"

console = Console(highlight=False, soft_wrap=True)


async def served() -> dict[str, str]:
    """Version and revision that the cluster serves, asked through the Service."""
    cluster = await Cluster.aload(ENVIRONMENT)
    async with cluster.client() as client:
        return await client.call("GET", f"{SERVICE}:http/proxy/version")


async def address() -> str:
    """Where the Service answers on this machine."""
    cluster = await Cluster.aload(ENVIRONMENT)
    async with cluster.client() as client:
        return f"http://{(await client.call('GET', SERVICE))['spec']['clusterIP']}"


async def release_and_show(title: str, revision: str, until: str) -> dict[str, Any]:
    """Release one revision; return what demo.json says of it."""
    console.print(f"\n[bold]{title}[/bold]  {revision[:7]}")
    row = await release(console, APP, revision, ENVIRONMENT, until)
    row["version"] = (await served())["version"] if until == "healthy" else None
    return row


async def demo() -> list[str]:
    """Run it; return what did not come out as promised."""
    code, _ = repositories.shop()
    await save(app(APP, code.remote().url, os.environ))
    first = release_of(code, "1.0.0")
    until = "commit" if os.environ["SHIPWAY_CLUSTER"] == "none" else "healthy"
    releases: list[dict[str, Any]] = []
    try:
        releases.append(await release_and_show("The sample app's first commit", first, until))
    except NoCluster as reason:
        console.print(f"[yellow]There is no cluster: {reason}[/yellow]")
        until = "commit"
        releases.append(
            await release_and_show("The same commit, up to the GitOps commit", first, until)
        )
    second = release_of(code, "2.0.0")
    releases.append(await release_and_show("A second commit", second, until))
    releases.append(await release_and_show("The same commit once more", second, until))
    show(releases)
    await show_addresses(until, write({"app": APP, "until": until, "releases": releases}))
    return broken_promises(releases, until)


def release_of(code: Repo, version: str) -> str:
    """A commit of this version: the tip, if it is one, else a new one."""
    if Path(code.working_dir, "VERSION").read_text().strip() == version:
        return code.head.commit.hexsha
    return repositories.commit(code, f"Version {version}", {"VERSION": f"{version}\n"})


def write(figures: dict[str, Any]) -> Path:
    """Write demo.json; return where it is."""
    file = Path(os.environ["SHIPWAY_STATE"], "demo.json")
    file.write_text(json.dumps(figures, indent=2) + "\n")
    return file


def broken_promises(releases: list[dict[str, Any]], until: str) -> list[str]:
    """What the figures say against: one build a commit, none for the same commit again."""
    counts = [[row[key] for key in ("built", "pushed", "committed")] for row in releases]
    versions = [row["version"] for row in releases[-2:]]
    broken: list[str] = []
    if counts[-2] != [1, 1, 1]:
        broken.append(f"the second commit built, pushed, committed {counts[-2]}, not 1 each")
    if counts[-1] != [0, 0, 0]:
        broken.append(f"the same commit again built, pushed, committed {counts[-1]}, not 0 each")
    if until == "healthy" and versions != ["2.0.0", "2.0.0"]:
        broken.append(f"the cluster served {versions}, not 2.0.0")
    return broken


def show(releases: list[dict[str, Any]]) -> None:
    """The table of what was done."""
    table = Table("Revision", "Image", "Built", "Pushed", "Committed", "Tests", "Time", "Serves")
    for row in releases:
        table.add_row(
            row["revision"][:7],
            row["image"].rpartition("@sha256:")[2][:7],
            *(str(row[key]) for key in ("built", "pushed", "committed")),
            tests_of(row),
            f"{row['seconds']:.1f} s",
            row["version"] or "–",
        )
    console.print()
    console.print(table)


def tests_of(row: dict[str, Any]) -> str:
    """How many tests passed in each layer; none where the image was there already."""
    return "+".join(str(layer["passed"]) for layer in row["tests"].values()) or "–"


async def show_addresses(until: str, file: Path) -> None:
    """Where to look now."""
    ui = os.environ["PREFECT_API_URL"].removesuffix("/api")
    ops = Path(os.environ["SHIPWAY_STATE"], "git", "ops.git")
    console.print(f"Prefect UI      {ui}/runs")
    console.print(f"The ops commits git -C {ops} log")
    if until == "healthy":
        console.print(f"The shop        {await address()}/")
    else:
        console.print("Not done here   the rollout: no cluster applied the commits")
    console.print(f"The figures     {file}")
    console.print("`make env` prints the exports for your shell; `make down` ends the sandbox.")


def main() -> int:
    """Run the demo; the exit status tells whether it came out as promised."""
    try:
        broken = asyncio.run(demo())
    except RunFailed as error:
        console.print(f"[red]✗ {error}[/red]", markup=True)
        return 1
    for promise in broken:
        console.print(f"[red]✗ {promise}[/red]")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
