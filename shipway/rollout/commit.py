"""The only way to change an environment: a commit in the ops repository."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from shipway.errors import RefuseError
from shipway.git.history import History
from shipway.git.ops_folder import Landed, OpsFolder, Proposal
from shipway.git.ops_repository import OpsRepository
from shipway.git.record import record_in
from shipway.git.revision import Revision
from shipway.git.source_changes import Changes
from shipway.git.source_repository import SourceRepository
from shipway.release import Release
from shipway.rollout.commit_message import release_proposal
from shipway.rollout.fence import check_committed, check_release
from shipway.rollout.fields import changed_files
from shipway.rollout.jobs import names_in, recorded_jobs, said_in
from shipway.rollout.releases import Releases
from shipway.rollout.result import StepCommit
from shipway.rollout.run_context import RunContext
from shipway.rollout.target import Target, target_of
from shipway.strategies.step import Edit, Step


def commit_release(
    ops: OpsRepository,
    source: SourceRepository,
    target: Target,
    step: Step,
    release: Release,
    notes: Mapping[str, str],
    run: RunContext,
) -> StepCommit:
    """Commit a step: fenced, planned and pushed afresh on each tip that the branch comes to.

    Args:
        ops: The ops repository.
        source: The app's repository.
        target: The environment, as it was when the rollout was planned.
        step: The step.
        release: What is released.
        notes: Further trailers: what gates and people said.
        run: The run that commits.

    Raises:
        RefuseError: The image is on hold, the revision would be a downgrade, the environment is
            frozen, or somebody else has changed it.
        RetryError: Git does not answer.
    """
    made_before, at = False, datetime.now(UTC)
    what_changed: Changes | None = None

    def propose(folder: OpsFolder, history: History) -> Proposal | None:
        nonlocal made_before, at, what_changed
        in_spite_of = check_release(source, folder, history, release)
        current = target_of(folder).with_live_pods(target.live_pods)
        changes = changed_files(
            folder, _edits_left(current, step, release), release.revision.commit
        )
        last = record_in(folder.files)
        made_before = (last.get("Run"), last.get("Step")) == (run.link, step.name)
        at = datetime.now(UTC)
        releases = Releases(folder, current, history)
        if not changes:
            # An earlier run may have committed it.
            at = releases.committed(release.revision.commit, step.name) or at
            return None
        before = releases.last_known.get("Revision")
        what_changed = changes_since(source, before, release.revision)
        more = {**release.cause.trailers(), **in_spite_of, **notes}
        return release_proposal(folder, changes, release, step.name, more, run.link, what_changed)

    landed = ops.commit(target.app_environment, propose, run.on_review)
    # An attempt before this one may have pushed and not lived to say so.
    landed = landed.model_copy(update={"new": landed.new or made_before})
    return step_commit(ops, landed, at, what_changed)


def commit_jobs(
    ops: OpsRepository,
    source: SourceRepository,
    target: Target,
    release: Release,
    notes: Mapping[str, str],
    run: RunContext,
) -> StepCommit:
    """Commit that the jobs after the last step ran, to the record alone: they never run again.

    Args:
        ops: The ops repository.
        source: The app's repository.
        target: The environment.
        release: What is released.
        notes: Trailers that say which jobs ran, and what gates said.
        run: The run that commits.

    Raises:
        RefuseError: Somebody else has taken the environment over.
        RetryError: Git does not answer.
    """
    names = names_in(notes)

    def is_said(folder: OpsFolder, history: History) -> bool:
        releases = Releases(folder, target_of(folder), history)
        return recorded_jobs(said_in(releases), str(release.image), names) == names

    step = f"after {', '.join(sorted(names))}"
    return commit_to_record(ops, source, target, release, step, notes, run, is_said)


def commit_to_record(
    ops: OpsRepository,
    source: SourceRepository,
    target: Target,
    release: Release,
    step: str,
    notes: Mapping[str, str],
    run: RunContext,
    is_said: Callable[[OpsFolder, History], bool],
) -> StepCommit:
    """Commit how far a release has come, to the record alone, unless it is said there.

    Args:
        ops: The ops repository.
        source: The app's repository.
        target: The environment.
        release: What is released.
        step: How far it is.
        notes: More trailers.
        run: The run that commits.
        is_said: Whether it is; another run of the release may have come as far.

    Raises:
        RefuseError: Somebody else has taken the environment over.
        RetryError: Git does not answer.
    """
    at = datetime.now(UTC)

    def propose(folder: OpsFolder, history: History) -> Proposal | None:
        check_committed(source, folder, history, release)
        if is_said(folder, history):
            return None
        more = {**release.cause.trailers(), **notes}
        return release_proposal(folder, {}, release, step, more, run.link)

    return step_commit(ops, ops.commit(target.app_environment, propose, run.on_review), at)


def changes_since(
    source: SourceRepository | None, before: str | None, revision: Revision
) -> Changes | None:
    """What changed of an app since the revision before, where that is another one."""
    if source is None or before is None or before == revision.commit:
        return None
    return source.changes(before, revision.commit, revision.uses)


def step_commit(
    ops: OpsRepository, landed: Landed, at: datetime, what_changed: Changes | None = None
) -> StepCommit:
    """A commit as reports show it; what another run has committed changed nothing."""
    return StepCommit(
        commit=landed.commit,
        new=landed.new,
        link=ops.link(landed.commit),
        at=at,
        what_changed=what_changed if landed.new else None,
    )


def _edits_left(current: Target, step: Step, release: Release) -> tuple[Edit, ...]:
    """What a step changes at the tip; nothing once the plan has come further than that.

    Raises:
        RefuseError: A step before it is undone: somebody else is at work.
    """
    plan = current.plan(release.image, rollback=release.cause.is_rollback)
    names = [planned.name for planned in plan]
    if step.name not in names:
        return ()
    position = names.index(step.name)
    undone = [planned for planned in plan[:position] if planned.edits]
    if undone:
        raise RefuseError(
            "The environment was changed during the rollout.",
            where=f"{current.folder} at {current.commit[:7]}",
            expected=f"what {undone[0].name!r} committed",
            got=", ".join(
                f"{edit.field.file}: other than {edit.value}" for edit in undone[0].edits
            ),
            untouched="the ops repository",
            remedy="see who changed it; start the release again: it goes on from what is there",
        )
    return plan[position].edits
