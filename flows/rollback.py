"""Back to an earlier release: one commit, and a hold on the one that failed."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State

from flows.rollout import Until, roll_out
from flows.runtime.beside import finish_beside
from flows.runtime.run_reporter import report_run
from flows.tasks.rollback.roll_back import roll_back_safely
from flows.tasks.rollout.read_target import read_target
from shipway.app_environment import AppEnvironment
from shipway.parameters import required_line
from shipway.rollback.commit import Reason
from shipway.rollout.result import RolloutResult


@flow(
    name="rollback",
    flow_run_name="{app} in {environment}: back",
    on_completion=[finish_beside],
    on_failure=[finish_beside],
)
async def rollback(
    app: str,
    environment: str,
    reason: str,
    by: str,
    to: str | None = None,
    until: Until = "healthy",
) -> State[None]:
    """Go back to an earlier release; what runs now stays on hold until somebody clears it.

    Args:
        app: App, as its Source Repository block is named.
        environment: Environment, as its folder in the ops repository is named.
        reason: Why; it stands in the commit and in the hold.
        by: Who wants it; it stands beside the reason.
        to: Revision to go back to, or the beginning of its id; the release before if empty.
        until: Stop at the GitOps commit, or see the rollout through until healthy.
    """
    given = Reason(why=required_line("reason", reason), by=required_line("by", by))
    app_environment = AppEnvironment(app=app, environment=environment)
    async with report_run(app_environment) as reporter:
        target = await read_target(app_environment)
        committed = await reporter.timed("release", roll_back_safely(target, to, given))
        release = committed.target.release
        reporter.releases(release.revision, title=release.title(app_environment))
        served = None
        if until == "healthy":
            served = (await reporter.timed("deploy", roll_out(app_environment, release))).served
        reporter.rolled_out(
            release.image, RolloutResult(commits=(committed.commit,), served=served)
        )
        return reporter.completed()
