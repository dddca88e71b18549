"""Deploy: each step of the strategy's plan is a commit, applied by the agent and watched."""

from __future__ import annotations

from typing import Literal

from prefect import flow

from blocks.source_repository import Revision
from flows.strategies import STRATEGIES
from flows.tasks.commit import Committed, RolledOut, commit_step
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
    downgrade: bool = False,
) -> RolledOut:
    """Lead one environment to an image, step by step.

    Args:
        app: Name of the app.
        environment: The environment.
        revision: What the image was built from.
        image: The image, by digest.
        until: Stop at the commits, or go on until the cluster runs them and is healthy.
        downgrade: Whether the revision may follow one that it does not contain.
    """
    target = await read_target(app, environment)
    plan = STRATEGIES[target.rollout.strategy].plan(target.images, image)
    commits: list[Committed] = []
    served: str | None = None
    for step in plan:
        committed = await commit_step(target, step, revision, image, downgrade=downgrade)
        commits.append(committed)
        if until == "healthy":
            served = await follow(target, committed, step.wait_for)
    return RolledOut(commits=tuple(commits), served=served)
