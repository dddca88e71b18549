"""Deploy, the only way to change an environment: a commit in the ops repository."""

from __future__ import annotations

import asyncio

from prefect.runtime import flow_run
from prefect.utilities.urls import url_for
from pydantic import BaseModel, ConfigDict

from blocks.errors import Refuse
from blocks.images import ImageRef
from blocks.manifests import set_image
from blocks.ops_repository import OpsRepository, Wanted
from blocks.source_repository import Revision, SourceRepository
from flows.strategies import Step
from flows.tasks.code import source_of
from flows.tasks.outside import outside
from flows.tasks.target import Target, target_of

# Each attempt costs a fetch and a push; eight lost races in a row need a very busy branch.
PUSH_RETRY_SECONDS = (0.5,) * 8


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


@outside("commit {step.name}", PUSH_RETRY_SECONDS)
async def commit_step(target: Target, step: Step, revision: Revision, image: str) -> Committed:
    """Commit a step at the tip of the ops repository; no commit where Git already says so.

    A lost push race raises `Retry`, and the task's next attempt edits the new tip afresh.
    """
    ops = await OpsRepository.aload("default")
    source = await source_of(target.app)
    return await asyncio.to_thread(_commit, ops, source, target, step, revision, image)


def _commit(
    ops: OpsRepository,
    source: SourceRepository,
    target: Target,
    step: Step,
    revision: Revision,
    image: str,
) -> Committed:
    wanted = ops.fetch(target.environment, target.app)
    _fence(ops, source, wanted, target, revision)
    changes: dict[str, bytes] = {}
    # The registry's tag of a revision is its commit id; some files hold a tag beside the digest.
    tagged = ImageRef.parse(image).model_copy(update={"tag": revision.commit})
    for field in target_of(wanted, target.app, target.environment).images:
        path = f"{wanted.folder}/{field.file}"
        content = changes.get(path, wanted.files[field.file])
        edited = set_image(content, field.kind, field.name, tagged, path)
        if edited != content:
            changes[path] = edited
    if not changes:
        return Committed(commit=wanted.commit, new=False, link=ops.link(wanted.commit))
    message = release_message(target, step, revision, image)
    commit = ops.push(wanted.commit, changes, message)
    return Committed(commit=commit, new=True, link=ops.link(commit))


def _fence(
    ops: OpsRepository,
    source: SourceRepository,
    wanted: Wanted,
    target: Target,
    revision: Revision,
) -> None:
    """Refuse to put an older revision over a newer one, whatever the clock or the queue says."""
    recorded = ops.last_trailer(wanted.commit, target.environment, target.app, "Revision")
    if recorded is None or source.is_ancestor(recorded, revision.commit):
        return
    raise Refuse(
        f"{target.environment} already has a revision that this one does not contain.",
        where=f"{wanted.folder} at {wanted.commit[:7]}",
        expected=f"a revision that contains {recorded}",
        got=revision.commit,
        untouched="the ops repository and the cluster",
        remedy="release a revision that contains it",
    )


def release_message(target: Target, step: Step, revision: Revision, image: str) -> str:
    """The message of a release commit; its trailers are the release history."""
    # The run that people started, not the subflow that commits.
    run = str(flow_run.root_flow_run_id)
    trailers = {
        "Release": f"{target.app}/{target.environment}/{revision.commit[:12]}",
        "App": target.app,
        "Environment": target.environment,
        "Revision": revision.commit,
        "Image": image,
        "Step": step.name,
        "Run": url_for("flow-run", run) or run,
    }
    lines = "\n".join(f"{key}: {value}" for key, value in trailers.items())
    return f"{target.app} {revision.short} → {target.environment}\n\n{lines}\n"
