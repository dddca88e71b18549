"""Nothing grows for ever: what is old and in nobody's use is removed, and told."""

from __future__ import annotations

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed

from blocks.retention import Retention
from flows.runtime.load_block import load_block
from flows.tasks.retention.engine_images import clear_engine_images
from flows.tasks.retention.git_copies import clear_git_copies
from flows.tasks.retention.ledger_rows import clear_ledger_rows
from flows.tasks.retention.past_runs import clear_past_runs
from flows.tasks.retention.registry_images import clear_registry_images
from shipway.errors import FailError
from shipway.reports.retention import (
    failure_words,
    retention_page,
    retention_rows,
    retention_sentence,
    retention_words,
)
from shipway.retention import engine_images, git_copies, ledger_rows, registry_images, runs
from shipway.retention.outcome import Outcome

KINDS = {
    engine_images.KIND: clear_engine_images,
    git_copies.KIND: clear_git_copies,
    runs.KIND: clear_past_runs,
    ledger_rows.KIND: clear_ledger_rows,
    registry_images.KIND: clear_registry_images,
}
TITLE = "What is old and in nobody's use"


@flow(name="retention", flow_run_name="retention")
async def retention(dry_run: bool = True) -> State[None]:
    """Remove what Shipway made, once it is old and nobody uses it; the block says how old.

    A kind of thing that fails stops none of the others; the run fails at the end.

    Args:
        dry_run: Only say what would go, and why.
    """
    keep, log = await load_block(Retention), get_run_logger()
    outcomes, failed = list[Outcome](), dict[str, Exception]()
    for kind, clear in KINDS.items():
        try:
            outcomes.append(await clear(keep, dry_run=dry_run))
        except Exception as error:
            failed[kind] = error
            log.error("%s: %s", kind, error)
            continue
        log.info("%s", retention_words(outcomes[-1], dry_run=dry_run))
    await acreate_markdown_artifact(
        retention_page(outcomes, failed, dry_run=dry_run), key="retention", description=TITLE
    )
    await acreate_table_artifact(
        retention_rows(outcomes, dry_run=dry_run), key="retention-summary", description=TITLE
    )
    sentence = retention_sentence(outcomes, dry_run=dry_run)
    if failed:
        raise FailError(
            f"Not everything could be looked at. Of the others: {sentence}.",
            where=", ".join(failed),
            got=failure_words(failed),
            untouched="what could not be looked at",
            remedy="see to what each of them says; the next run begins anew",
        )
    return Completed(message=sentence)
