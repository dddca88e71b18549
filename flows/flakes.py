"""Which tests fail now and then: the ledger, as a page."""

from __future__ import annotations

from prefect import flow

from flows.runtime.beside import finish_beside
from flows.runtime.tag_run import tag_this_run
from flows.tasks.show_flakes import show_flakes


@flow(
    name="flakes",
    flow_run_name="{app} flakes",
    on_completion=[finish_beside],
    on_failure=[finish_beside],
)
async def flakes(app: str) -> None:
    """Show every test of an app that ever failed, and the proof against flaky ones.

    Args:
        app: App, as its Source Repository block is named.
    """
    tag_this_run(app)
    await show_flakes(app)
