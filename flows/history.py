"""What ran when, by whom and from which run: an environment's history, from Git alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from blocks.ops_repository import OpsRepository
from flows.runtime.beside import finish_beside
from flows.runtime.load_block import load_block
from flows.runtime.run_name import run_name
from flows.runtime.tag_run import tag_this_run
from flows.tasks.read_history import read_history
from shipway.history.dora import measure
from shipway.parameters import check_names
from shipway.reports.history import history_page, history_rows


@flow(
    name="history",
    flow_run_name=run_name("history {environment} {app}"),
    on_completion=[finish_beside],
    on_failure=[finish_beside],
)
async def history(environment: str, app: str | None = None, days: int = 30) -> None:
    """Report an environment's releases and its DORA figures.

    Args:
        environment: Environment, as its folder in the ops repository is named.
        app: One app, or all of the environment if empty.
        days: How many days the figures cover.
    """
    check_names(app=app, environment=environment)
    tag_this_run(app, environment)
    until = datetime.now(UTC)
    since = until - timedelta(days=days)
    changes = await read_history(environment, app, since)
    title = f"{app or 'Every app'} in {environment}"
    page = history_page(title, measure(changes, since, until), changes, until)
    ops = await load_block(OpsRepository)
    key = f"{environment}-{app}" if app else environment
    await acreate_markdown_artifact(page, key=f"{key}-dora", description=title)
    await acreate_table_artifact(
        history_rows(changes, ops.link), key=f"{key}-history", description=f"{title}: every change"
    )
