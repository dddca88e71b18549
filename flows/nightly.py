"""The whole pyramid of the default branch, every night, from nothing: no cache, no release."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from prefect import flow

from flows.tasks.build import build
from flows.tasks.clean_up import clear_leftovers, remove_what_runs
from flows.tasks.code import checkout
from flows.tasks.journal import journal
from flows.verify import e2e, integration, unit


@flow(
    name="nightly",
    flow_run_name="{app} nightly",
    on_cancellation=[remove_what_runs],
    on_crashed=[remove_what_runs],
)
async def nightly(app: str) -> None:
    """Build the tip of the default branch without caches and run every layer.

    Args:
        app: App, as its Source Repository block is named.
    """
    await clear_leftovers()
    with TemporaryDirectory(prefix="shipway-") as folder:
        async with journal(app, "nightly") as log:
            code = await log.timed("code", checkout(app, None, Path(folder)))
            await log.goes_to(code.revision)
            image = await log.timed("build", build(code, "image", no_cache=True))
            tests = await build(code, "tests", no_cache=True)
            log.tested(await log.timed("unit", unit(code, tests)))
            log.tested(await log.timed("integration", integration(code, tests, image)))
            log.tested(await log.timed("e2e", e2e(code, tests, image)))
