"""Promotion: what runs in one environment goes to the next, without a build or a test."""

from __future__ import annotations

from prefect import flow

from flows.rollout import Until, rollout
from flows.runtime.run_name import name_this_run
from flows.runtime.run_reporter import journal
from flows.tasks.promotion import find_promotable, promotion_of
from flows.tasks.rollout.read_target import read_target
from shipway.release import Cause


@flow(name="promote", flow_run_name="{app} → {environment}: promotion")
async def promote(
    app: str, environment: str, until: Until = "healthy", downgrade: bool = False
) -> None:
    """Take an environment to the version that has proven itself in the one before it.

    Args:
        app: App, as its Source Repository block is named.
        environment: Environment to promote to; its rollout.yaml says from where (`promotion`).
        until: Stop at the GitOps commit, or see the rollout through until healthy.
        downgrade: Let an older or unrelated revision follow the one that is there now.
    """
    async with journal(app, environment) as log:
        target = await read_target(app, environment)
        promotion = promotion_of(target)
        found = await log.timed("release", find_promotable(app, promotion))
        await log.goes_to(found.revision)
        await name_this_run(f"{app} {found.revision.short}: {promotion.source} → {environment}")
        cause = Cause(downgrade=downgrade, promoted_from=promotion.source)
        rest = rollout(app, environment, found.revision, found.image, until, cause)
        log.rolled_out(found.image, await log.timed("deploy", rest))
