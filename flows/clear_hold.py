"""The end of a hold: an image that was rolled back may be released again."""

from __future__ import annotations

from prefect import flow
from prefect.logging import get_run_logger

from flows.runtime.beside import finish_beside
from flows.runtime.tag_run import tag_this_run
from flows.tasks.rollback.clear_hold import commit_cleared_hold
from shipway.app_environment import AppEnvironment
from shipway.parameters import required_line
from shipway.rollback.commit import Reason


@flow(
    name="clear-hold",
    flow_run_name="{app} in {environment}: clear the hold on {revision}",
    on_completion=[finish_beside],
    on_failure=[finish_beside],
)
async def clear_hold(app: str, environment: str, revision: str, reason: str, by: str) -> None:
    """Take a hold out of holds.yaml, with a commit that says why.

    Args:
        app: App, as its Source Repository block is named.
        environment: Environment, as its folder in the ops repository is named.
        revision: The held revision, or its image's digest; the beginning of either is enough.
        reason: Why it may come back; it stands in the commit.
        by: Who says so; it stands beside the reason.
    """
    tag_this_run(app, environment)
    given = Reason(why=required_line("reason", reason), by=required_line("by", by))
    app_environment = AppEnvironment(app=app, environment=environment)
    commit = await commit_cleared_hold(app_environment, revision, given)
    get_run_logger().info("The hold is gone: %s", commit.link)
