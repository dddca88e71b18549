"""Deploy: each step of the strategy's plan is a commit, applied by the agent and watched."""

from __future__ import annotations

from typing import Literal

from prefect import flow

from blocks.source_repository import Revision
from flows.tasks.cause import Cause
from flows.tasks.commit import Committed, RolledOut, commit_step
from flows.tasks.dry_run import dry_run
from flows.tasks.hold import hold
from flows.tasks.target import read_target
from flows.tasks.watch import follow

Until = Literal["commit", "healthy"]


@flow(name="rollout", flow_run_name="rollout · {app} {revision.short} → {environment}")
async def rollout(
    app: str,
    environment: str,
    revision: Revision,
    image: str,
    until: Until = "healthy",
    cause: Cause = Cause(),  # noqa: B008  # frozen
) -> RolledOut:
    """Lead one environment to an image, step by step; goes on from where Git says that it is.

    Args:
        app: Name of the app.
        environment: The environment.
        revision: What the image was built from.
        image: The image, by digest.
        until: Stop at the first commit, or go on until the cluster runs the image and is healthy.
        cause: Why. Of what a rollback leads away from, nothing is kept.
    """
    target = await read_target(app, environment)
    commits: list[Committed] = []
    served: str | None = None
    for step in target.plan(image):
        if until == "healthy":
            await dry_run(target, step, revision.commit)
        committed = await commit_step(target, step, revision, image, cause)
        commits.append(committed)
        if until == "commit":
            break
        served = await follow(target, committed, step)
        if step.hold and cause.back_from is None:
            await hold(step.name, committed.at, step.hold)
    return RolledOut(commits=tuple(commits), served=served)
