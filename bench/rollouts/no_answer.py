"""Gates that have no answer: Prometheus is down, nobody asks, NaN, several series."""

from __future__ import annotations

import asyncio
import contextlib
import os
from urllib.parse import urlsplit

from bench.common.section import Cell, Section
from bench.rollouts.downtime import RATE
from bench.rollouts.rollout_app import RolloutApp, rollout_app, until
from bench.rollouts.traffic import traffic
from blocks.metrics import Metrics

CASES = ("Prometheus goes down", "nobody asks", "the query is NaN", "the query is several series")


async def no_answer() -> Section:
    """Release into each of them."""
    rows: list[dict[str, Cell]] = []
    untouched: list[bool] = []
    for case in CASES:
        async with rollout_app("canary") as app:
            row, good = await _case(app, case)
        rows.append({"What": case, **row})
        untouched.append(good)
    return Section(
        title="Gates without an answer",
        about="Each is a release of a good version. The digest and pods of stable are looked at "
        "afterwards.",
        rows=tuple(rows),
        promises={
            "inconclusive, which halts, in words that say why": all(
                row["The release says"] == "The gate 'errors' has no answer: neither pass nor fail."
                for row in rows
            ),
            "the rollout stands at its first share, with nothing promoted": all(
                row["Stands at"] == "2/7 canary 1%" for row in rows
            ),
            "stable is as it was": all(untouched),
        },
    )


async def _case(app: RolloutApp, case: str) -> tuple[dict[str, Cell], bool]:
    app.change(
        "interval_seconds: 1\n", "interval_seconds: 1\n    inconclusive_timeout_seconds: 3\n"
    )
    text = app.pulse.read("rollout.yaml")
    start, end = text.index("      query: |"), text.index("      baseline: |")
    queries = {
        "the query is NaN": "      query: vector(0) / 0\n",
        "the query is several series": "      query: up\n",
    }
    if case in queries:
        app.pulse.write({"rollout.yaml": text[:start] + queries[case] + text[end:]})
    async with _metrics(app) as server:
        stable = app.pulse.read("stable.yaml")
        app.next()
        load = contextlib.nullcontext()
        if case != "nobody asks":
            load = traffic(os.environ["SHIPWAY_GATEWAY"], app.host, RATE)
        with load:
            release = asyncio.create_task(app.release())
            if case == "Prometheus goes down":
                await until(lambda: app.commits()[-1][0] == "2/7 canary 1%")
                server.close()
            state = await release
    lines = str(state.message).partition("exception: ")[2].splitlines()
    got = next((line.strip() for line in lines if line.strip().startswith("got:")), "")
    row: dict[str, Cell] = {
        "The release says": lines[0].partition(": ")[2] if lines else str(state.message),
        "got": got.partition(":")[2].strip(),
        "Stands at": app.commits()[-1][0],
    }
    same = app.pulse.read("stable.yaml") == stable
    return row, same and await app.available(app.name) == 3


@contextlib.asynccontextmanager
async def _metrics(app: RolloutApp):
    """Prometheus behind a door of the app's own, so that closing it closes nobody else's."""
    upstream = urlsplit(os.environ["SHIPWAY_PROMETHEUS"])

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(upstream.hostname, upstream.port)
        await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer))

    server = await asyncio.start_server(pass_on, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await Metrics(url=f"http://127.0.0.1:{port}").asave(app.name)  # type: ignore[attr-defined]
    app.change("strategy: canary\n", f"strategy: canary\nmetrics: {app.name}\n")
    try:
        yield server
    finally:
        server.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
