"""Deploy, the only way to change an environment: a commit in the ops repository."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from prefect.logging import get_run_logger
from pydantic import BaseModel, ConfigDict

from blocks.errors import Refuse
from blocks.ops_repository import Landed, OpsRepository, Proposal, Wanted
from blocks.source_repository import Revision, SourceRepository
from blocks.vcs.trailers import Recorded
from flows.strategies import Edit, Step
from flows.tasks.code import source_of
from flows.tasks.deploy.cause import Cause
from flows.tasks.deploy.fence import downgrade_from, refuse_held
from flows.tasks.deploy.message import release_message, this_run
from flows.tasks.deploy.places import changed_files
from flows.tasks.deploy.target import Target, target_of
from flows.tasks.outside import outside


class Committed(BaseModel):
    """The ops repository's commit that holds a step.

    Attributes:
        commit: Its id.
        new: Whether this run made it.
        link: The commit as Markdown.
        at: When the step was committed, by whichever run.
    """

    model_config = ConfigDict(frozen=True)

    commit: str
    new: bool
    link: str
    at: datetime


class RolledOut(BaseModel):
    """The commits of a rollout, and what the cluster then ran."""

    model_config = ConfigDict(frozen=True)

    commits: tuple[Committed, ...]
    served: str | None


@outside("commit {step.name}")
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
    ops = await OpsRepository.aload("default")
    source = await source_of(target.app)
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

    def propose(wanted: Wanted, history: list[Recorded]) -> Proposal | None:
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
        message = release_message(target.app, target.environment, revision, image, step.name, more)
        return Proposal(changes=changes, message=message)

    landed = ops.commit(target.environment, target.app, propose, say_asked)
    # An attempt before this one may have pushed and not lived to say so.
    return committed(ops, landed.model_copy(update={"new": landed.new or made_before}), at)


def _edits_now(now: Target, step: Step, image: str, *, back: bool) -> tuple[Edit, ...]:
    """What a step changes at the tip; nothing once the plan has come further than that.

    Raises:
        Refuse: A step before it is undone: somebody else is at work.
    """
    plan = now.plan(image, back=back)
    names = [one.name for one in plan]
    if step.name not in names:
        return ()
    place = names.index(step.name)
    undone = [one for one in plan[:place] if one.edits]
    if undone:
        raise Refuse(
            "The environment was changed during the rollout.",
            where=f"{now.folder} at {now.commit[:7]}",
            expected=f"what {undone[0].name!r} committed",
            got=", ".join(f"{one.place.file}: other than {one.value}" for one in undone[0].edits),
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
