"""Which tests fail now and then: the ledger, as a page."""

from __future__ import annotations

from prefect import flow

from flows.tasks.show_flakes import show_flakes


@flow(name="flakes", flow_run_name="{app} flakes")
async def flakes(app: str) -> None:
    """Show every test of an app that ever failed, and the proof against flaky ones.

    Args:
        app: App, as its Source Repository block is named.
    """
    await show_flakes(app)
