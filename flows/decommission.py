"""The end of an app in an environment: one commit, and its objects go after a grace."""

from __future__ import annotations

import asyncio

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.runtime.beside import finish_beside
from flows.runtime.tag_run import tag_this_run
from flows.tasks.decommission import remove_folder, see_what_goes
from shipway.app_environment import AppEnvironment
from shipway.decommission import Decommission
from shipway.parameters import check_names, required_line
from shipway.reports.decommission import render
from shipway.rollback.commit import Reason


@flow(
    name="decommission",
    flow_run_name="{app} leaves {environment}",
    on_completion=[finish_beside],
    on_failure=[finish_beside],
)
async def decommission(
    app: str,
    environment: str,
    reason: str,
    by: str,
    override_freeze: str | None = None,
    dry_run: bool = False,
) -> State[None]:
    """Remove an app's folder from an environment, with a commit that says why.

    The agent deletes the objects after its grace. Until then, a revert brings all of it back.

    Args:
        app: App, as its Source Repository block is named.
        environment: Environment, as its folder in the ops repository is named.
        reason: Why; it stands in the commit.
        by: Who wants it; it stands beside the reason.
        override_freeze: Why it is to be while the environment is frozen.
        dry_run: Only say what goes, what stays, and what refuses it.
    """
    check_names(app=app, environment=environment)
    tag_this_run(app, environment)
    given = Reason(why=required_line("reason", reason), by=required_line("by", by))
    app_environment = AppEnvironment(app=app, environment=environment)
    seen = await see_what_goes(app_environment, override_freeze)
    await show(seen)
    if dry_run:
        return Completed(message=seen.sentence)
    commit = await remove_folder(app_environment, given, override_freeze)
    return Completed(message=f"{'removed' if commit.new else 'removed already'}: {commit.link}")


async def show(seen: Decommission) -> None:
    """Keep what is planned for people and for programs."""
    key = f"{seen.app_environment.app}-{seen.app_environment.environment}-plan"
    await asyncio.gather(
        acreate_markdown_artifact(render(seen), key=key, description=seen.title),
        acreate_table_artifact(
            [seen.model_dump(mode="json")], key=f"{key}-summary", description=seen.title
        ),
    )
