"""Promotion: what runs in one environment goes to the next, without a build or a test."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State

from flows.rollout import Until, roll_out
from flows.runtime.beside import finish_beside
from flows.runtime.run_reporter import report_run
from flows.runtime.suspension import release_before, suspended_by_waits
from flows.tasks.find_promotable import check_still_promotable, find_promotable
from flows.tasks.rollout.read_target import read_target
from shipway.app_environment import AppEnvironment
from shipway.release import Cause
from shipway.rollout.promotion import promotion_of


@flow(
    name="promote",
    flow_run_name="{app} → {environment}: promotion",
    on_completion=[finish_beside],
    on_failure=[finish_beside],
)
async def promote(
    app: str,
    environment: str,
    until: Until = "healthy",
    downgrade: bool = False,
    override_freeze: str | None = None,
) -> State[None]:
    """Take an environment to the version that has proven itself in the one before it, or in all.

    Args:
        app: App, as its Source Repository block is named.
        environment: Environment to promote to; its rollout.yaml says from where (`promotion`).
        until: Stop at the GitOps commit, or see the rollout through until healthy.
        downgrade: Let an older or unrelated revision follow the one that is there now.
        override_freeze: Why it is to go to a frozen environment; it stands in the commit.
    """
    app_environment = AppEnvironment(app=app, environment=environment)
    async with suspended_by_waits(), report_run(app_environment) as reporter:
        promotion = promotion_of(await read_target(app_environment))
        cause = Cause(downgrade=downgrade, override_freeze=override_freeze)
        release = release_before()
        if release is None:
            release = await reporter.timed("release", find_promotable(app, promotion, cause))
        else:
            await check_still_promotable(app, promotion, release)
        title = f"{app} {release.revision.short}: {promotion.sources} → {environment}"
        reporter.releases(release.revision, title=title)
        result = await reporter.timed("deploy", roll_out(app_environment, release, until))
        reporter.rolled_out(release.image, result)
        return reporter.completed()
