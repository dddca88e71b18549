"""Deploy, the only way to change an environment: a commit in the ops repository."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from prefect.logging import get_run_logger

from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.run_link import this_run
from shipway.errors import RefuseError
from shipway.git.ops_folder import Landed, OpsFolder, Proposal
from shipway.git.revision import Revision
from shipway.git.trailers import Recorded
from shipway.release import Cause
from shipway.rollout.commit_message import release_message
from shipway.rollout.committed import Committed
from shipway.rollout.fence import downgrade_from, refuse_held
from shipway.rollout.fields import changed_files
from shipway.rollout.target import Target, target_of
from shipway.strategies.step import Edit, Step


@external_task("commit {step.name}")
async def commit_step(
    target: Target,
    step: Step,
    revision: Revision,
    image: str,
    cause: Cause,
    notes: dict[str, str],
) -> Committed:
    """Commit a step at the tip of the ops repository; no commit where Git already says so.

    Args:
        target: The environment.
        step: The step.
        revision: What the image was built from.
        image: The image, by digest.
        cause: Why.
        notes: Further trailers: what gates and people said.
    """
    ops = await load_block(OpsRepository)
    source = await load_block(SourceRepository, target.app)
    return await asyncio.to_thread(
        release, ops, source, target, step, revision, image, cause, notes
    )


def release(
    ops: OpsRepository,
    source: SourceRepository,
    target: Target,
    step: Step,
    revision: Revision,
    image: str,
    cause: Cause,
    notes: dict[str, str],
) -> Committed:
    """Commit a step: fenced, planned and pushed afresh on each tip that the branch comes to."""
    made_before, at = False, datetime.now(UTC)

    def propose(wanted: OpsFolder, history: list[Recorded]) -> Proposal | None:
        nonlocal made_before, at
        refuse_held(wanted, image)
        now = target_of(wanted, target.app, target.environment)
        allowed = cause.downgrade or now.rollout.order == "any"
        passed = downgrade_from(source, wanted, history, revision, allowed=allowed)
        edits = _edits_now(now, step, image, back=cause.back_from is not None)
        changes = changed_files(wanted, edits, revision.commit)
        last = history[0].trailers if history else {}
        made_before = (last.get("Run"), last.get("Step")) == (this_run(), step.name)
        at = datetime.now(UTC) if changes else _made_at(history, step, revision)
        more = cause.trailers() | ({"Downgrade-From": passed} if passed else {}) | notes
        message = release_message(
            target.app, target.environment, revision, image, step.name, more, this_run()
        )
        return Proposal(changes=changes, message=message)

    landed = ops.commit(target.environment, target.app, propose, say_asked)
    # An attempt before this one may have pushed and not lived to say so.
    return committed(ops, landed.model_copy(update={"new": landed.new or made_before}), at)


def _edits_now(now: Target, step: Step, image: str, *, back: bool) -> tuple[Edit, ...]:
    """What a step changes at the tip; nothing once the plan has come further than that.

    Raises:
        RefuseError: A step before it is undone: somebody else is at work.
    """
    plan = now.plan(image, back=back)
    names = [one.name for one in plan]
    if step.name not in names:
        return ()
    place = names.index(step.name)
    undone = [one for one in plan[:place] if one.edits]
    if undone:
        raise RefuseError(
            "The environment was changed during the rollout.",
            where=f"{now.folder} at {now.commit[:7]}",
            expected=f"what {undone[0].name!r} committed",
            got=", ".join(f"{one.field.file}: other than {one.value}" for one in undone[0].edits),
            untouched="the ops repository",
            remedy="see who changed it; start the release again: it goes on from what is there",
        )
    return plan[place].edits


def _made_at(history: list[Recorded], step: Step, revision: Revision) -> datetime:
    """When a step was committed by an earlier run."""
    wanted = {"Step": step.name, "Revision": revision.commit}
    made = (one.at for one in history if wanted.items() <= one.trailers.items())
    return next(made, datetime.now(UTC))


def say_asked(url: str) -> None:
    """Log where people can approve and merge."""
    get_run_logger().info("Waiting until this pull request is merged: %s", url)


def committed(ops: OpsRepository, landed: Landed, at: datetime) -> Committed:
    """A commit as reports show it."""
    link = ops.link(landed.commit)
    return Committed(commit=landed.commit, new=landed.new, link=link, at=at)
