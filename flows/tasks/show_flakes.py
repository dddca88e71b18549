"""The ledger's page: rates, and proof."""

from __future__ import annotations

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from blocks.ledger import Ledger
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.parameters import check_names
from shipway.reports.flakes import render_flakes


@external_task("show what the ledger knows of {app}")
async def show_flakes(app: str) -> None:
    """Write the page, and a table for machines.

    Raises:
        RefuseError: `app` is no name.
        RetryError: The ledger does not answer.
    """
    check_names(app=app)
    async with (await load_block(Ledger)).open() as session:
        records, proofs = await session.records(app), await session.proofs(app)
    page = render_flakes(app, records, proofs)
    await acreate_markdown_artifact(page, key=f"{app}-flakes", description=f"Flakes of {app}")
    rows = [record.model_dump(mode="json") for record in records]
    await acreate_table_artifact(rows, key=f"{app}-flakes-table", description=f"Flakes of {app}")
