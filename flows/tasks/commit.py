"""Deploy, the only way to change an environment: a commit in the ops repository."""

from __future__ import annotations

import asyncio

from prefect.logging import get_run_logger
from pydantic import BaseModel, ConfigDict

from blocks.images import ImageRef
from blocks.manifests import set_image
from blocks.ops_repository import Landed, OpsRepository, Proposal, Wanted
from blocks.source_repository import Revision, SourceRepository
from blocks.vcs.trailers import Recorded
from flows.strategies import Step
from flows.tasks.code import source_of
from flows.tasks.fence import downgrade_from, refuse_held
from flows.tasks.message import release_message, this_run
from flows.tasks.outside import outside
from flows.tasks.target import Target, target_of


class Committed(BaseModel):
    """The ops repository's commit that holds a step, and whether this run made it."""

    model_config = ConfigDict(frozen=True)

    commit: str
    new: bool
    link: str


class RolledOut(BaseModel):
    """The commits of a rollout, and what the cluster then ran."""

    model_config = ConfigDict(frozen=True)

    commits: tuple[Committed, ...]
    served: str | None


@outside("commit {step.name}")
async def commit_step(
    target: Target, step: Step, revision: Revision, image: str, *, downgrade: bool = False
) -> Committed:
    """Commit a step at the tip of the ops repository; no commit where Git already says so.

    Args:
        target: The environment.
        step: The step.
        revision: What the image was built from.
        image: The image, by digest.
        downgrade: Whether it may follow a revision that it does not contain.
    """
    ops = await OpsRepository.aload("default")
    source = await source_of(target.app)
    landed = await asyncio.to_thread(
        release, ops, source, target, step, revision, image, downgrade=downgrade
    )
    return committed(ops, landed)


def release(
    ops: OpsRepository,
    source: SourceRepository,
    target: Target,
    step: Step,
    revision: Revision,
    image: str,
    *,
    downgrade: bool,
) -> Landed:
    """Commit a step: fenced, edited and pushed afresh on each tip that the branch comes to."""
    made_before = False

    def propose(wanted: Wanted, history: list[Recorded]) -> Proposal | None:
        nonlocal made_before
        refuse_held(wanted, image)
        now = target_of(wanted, target.app, target.environment)
        allowed = downgrade or now.rollout.order == "any"
        passed = downgrade_from(source, wanted, history, revision, allowed=allowed)
        changes = image_changes(wanted, now, revision, image)
        last = history[0].trailers if history else {}
        made_before = (last.get("Run"), last.get("Step")) == (this_run(), step.name)
        more = {"Downgrade-From": passed} if passed else {}
        message = release_message(target.app, target.environment, revision, image, step.name, more)
        return Proposal(changes=changes, message=message)

    landed = ops.commit(target.environment, target.app, propose, say_asked)
    # An attempt before this one may have pushed and not lived to say so.
    return landed.model_copy(update={"new": landed.new or made_before})


def say_asked(url: str) -> None:
    """Log where people can approve and merge."""
    get_run_logger().info("Waiting until this pull request is merged: %s", url)


def committed(ops: OpsRepository, landed: Landed) -> Committed:
    """A commit as reports show it."""
    return Committed(commit=landed.commit, new=landed.new, link=ops.link(landed.commit))


def image_changes(
    wanted: Wanted, target: Target, revision: Revision, image: str
) -> dict[str, bytes | None]:
    """The files that hold another image than `image`, with that one; no file where none does."""
    # The registry's tag of a revision is its commit id; some files hold a tag beside the digest.
    tagged = ImageRef.parse(image).model_copy(update={"tag": revision.commit})
    edited: dict[str, bytes] = {}
    for field in target.images:
        before = edited.get(field.file, wanted.files[field.file])
        path = f"{wanted.folder}/{field.file}"
        edited[field.file] = set_image(before, field.kind, field.name, tagged, path)
    return {
        f"{wanted.folder}/{name}": content
        for name, content in edited.items()
        if content != wanted.files[name]
    }
