"""Deploy: each step of the plan is a commit, applied by the agent, watched and judged."""

from __future__ import annotations

from typing import Literal

from prefect import flow

from flows.runtime.approval import Declined, ask_for_approval
from flows.runtime.notify import announce
from flows.runtime.timeline import Timeline, timeline
from flows.tasks.rollback.commit import unfinished_rollback
from flows.tasks.rollback.safety_check import go_back_now
from flows.tasks.rollout.commit import commit_step
from flows.tasks.rollout.dry_run import dry_run
from flows.tasks.rollout.read_target import read_target
from flows.tasks.rollout.run_gates import check_gates, gate_trailers, run_gates
from flows.tasks.rollout.watch import follow
from shipway.errors import BadVersionError, FailError, HaltError, RefuseError, ShipwayError
from shipway.git.revision import Revision
from shipway.release import Cause
from shipway.rollout.committed import Committed, RolledOut
from shipway.rollout.target import Target
from shipway.strategies.step import Step

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
    plan = target.plan(image, back=cause.back_from is not None)
    if until == "commit":
        step = plan[0]
        committed = await commit_step(target, step, revision, image, cause, {})
        return RolledOut(commits=(committed,), served=None)
    if cause.back_from is None:
        await resume_rollback(target, image)
        await check_gates(target)
    new = any(step.edits for step in plan)
    if new:
        await announce(target, "start", f"{revision.short}: {len(plan)} steps", image=image)
    try:
        async with timeline(app, environment, cause.title(app, environment, revision)) as kept:
            done = await lead(target, plan, revision, image, cause, kept)
    except ShipwayError as error:
        what = "halt" if isinstance(error, HaltError) else "failure"
        await announce(target, what, str(error), image=image)
        raise
    if new:
        await announce(target, "done", f"{revision.short}: {done.served}", image=image)
    return done


async def lead(
    target: Target,
    plan: list[Step],
    revision: Revision,
    image: str,
    cause: Cause,
    kept: Timeline,
) -> RolledOut:
    """Take the steps one after the other; lead back from a version that turns out bad.

    Raises:
        FailError: The version is bad, or a person did not approve it.
        HaltError: Neither going on nor going back is safe.
    """
    commits: list[Committed] = []
    served: str | None = None
    seen: dict[str, str] = {}
    for step in plan:
        if step.approval and step.edits:
            answer = await ask_for_approval(target, step, image, seen)
            if isinstance(answer, Declined):
                raise await give_back(target, answer.error(step), answer.who, image)
            seen |= answer
        await dry_run(target, step, revision.commit)
        committed = await commit_step(target, step, revision, image, cause, seen)
        commits.append(committed)
        kept.step(step, committed)
        try:
            served = await follow(target, committed, step)
            kept.reached(step)
            seen = {}
            if step.gates is not None:
                passed = await run_gates(target, step, image, committed.at, kept.tell)
                seen = gate_trailers(passed)
        except BadVersionError as red:
            kept.gave_up(f"**{red.what}** {red.facts['got'] or ''}")
            if cause.back_from is not None or target.rollout.on_failure == "halt":
                raise
            failure = await give_back(target, red, "shipway", image)
            if failure is not red:
                kept.led_back(failure.facts["remedy"] or "")
            raise failure from red
        kept.done()
        await announce(target, "step", step.name, share=step.share, commit=committed.commit)
    return RolledOut(commits=tuple(commits), served=served)


async def resume_rollback(target: Target, image: str) -> None:
    """Go on with the way back from an image that a run before this one did not live to finish."""
    left = await unfinished_rollback(target, image)
    if left is not None:
        cause = Cause(back_from=left.bad)
        await rollout(target.app, target.environment, left.revision, left.image, cause=cause)


async def give_back(target: Target, red: FailError, by: str, image: str) -> FailError:
    """Lead an environment back from a version; return the error that says all of it.

    Where Git has nothing of that version yet, or had none before it, there is no way back to take.
    """
    now = await read_target(target.app, target.environment)
    if image not in now.current.values():
        return red
    reason = f"{red.what} {red.facts['got'] or ''}"
    try:
        back = (await go_back_now(target, None, reason, by)).goal
    except RefuseError:
        return red
    await announce(target, "rollback", f"back to {back.revision.short}: {reason}", image=image)
    cause = Cause(back_from=back.bad)
    await rollout(target.app, target.environment, back.revision, back.image, cause=cause)
    return FailError(
        red.what,
        where=red.facts["where"],
        expected=red.facts["expected"],
        got=red.facts["got"],
        untouched=red.facts["untouched"],
        remedy=f"{target.environment} is back at {back.revision.short}; {back.bad[:12]} is on hold "
        "until `clear-hold`: release a revision that mends it",
    )
