"""Deploy, beforehand: what Git has where a release goes, and whether it lets the release follow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict

from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from flows.runtime.run_context import run_context
from shipway.app_environment import AppEnvironment
from shipway.config.jobs import Jobs
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.release import Release
from shipway.rollback.target import rollback_in_progress
from shipway.rollout.approvers import approvers_of
from shipway.rollout.fence import check_release
from shipway.rollout.frozen import Frozen, FrozenError
from shipway.rollout.jobs import jobs_left
from shipway.rollout.releases import Releases
from shipway.rollout.target import Target, target_of
from shipway.rollout.writers import check_only_writer


class Preflight(BaseModel):
    """What a release finds in Git.

    Attributes:
        target: The environment.
        unfinished: What a rollback from the release's image leads to that a run before this one
            did not live to finish. The release is not judged before that is done.
        in_spite_of: Trailers that say what the release follows in spite of: a downgrade, a freeze.
        jobs: Those of the release that are left.
        frozen: The freeze that is all that is in the way, where the release may wait for its end.
    """

    model_config = ConfigDict(frozen=True)

    target: Target
    unfinished: Release | None = None
    in_spite_of: dict[str, str] = {}
    jobs: Jobs = Jobs()
    frozen: Frozen | None = None


@external_task("see whether {release.revision.short} may follow in {app_environment.folder}")
async def preflight(
    app_environment: AppEnvironment, release: Release, *, waits: bool = False
) -> Preflight:
    """Read the environment, and see that nothing in Git refuses the release.

    Args:
        app_environment: The environment.
        release: What is released.
        waits: Whether it may wait for the end of a freeze, where releases may.

    Raises:
        RefuseError: The image is on hold, the release a downgrade, the environment frozen, the
            folder not as expected, somebody else writes its image, or none of its approvers has a
            key.
        RetryError: Git does not answer.
    """
    ops = await load_block(OpsRepository)
    check, run = await _fence(release, app_environment.app), run_context()

    def look(folder: OpsFolder, history: History) -> Preflight:
        target = target_of(folder)
        rollback = rollback_in_progress(folder, target, history, None, run)
        if rollback is not None and rollback.from_image == str(release.image):
            return Preflight(target=target, unfinished=rollback.release)
        frozen, in_spite_of = None, dict[str, str]()
        try:
            in_spite_of = check(folder, history)
        except FrozenError as error:
            if not (waits and error.frozen.waits):
                raise
            frozen = error.frozen
        if not release.cause.is_rollback:
            approvers_of(folder, target.rollout)
            check_only_writer(folder, target)
        jobs = jobs_left(target, Releases(folder, target, history), release)
        return Preflight(target=target, in_spite_of=in_spite_of, jobs=jobs, frozen=frozen)

    return await asyncio.to_thread(ops.consult, app_environment, look)


@external_task("see whether {release.revision.short} may still follow in {target.folder}")
async def check_fence(target: Target, release: Release) -> OpsFolder:
    """See that nothing has come meanwhile that refuses the release; the commit asks once more.

    Returns:
        The folder that was looked at.

    Raises:
        RefuseError: Something has.
        RetryError: Git does not answer.
    """
    ops = await load_block(OpsRepository)
    check = await _fence(release, target.app)

    def look(folder: OpsFolder, history: History) -> OpsFolder:
        check(folder, history)
        return folder

    return await asyncio.to_thread(ops.consult, target.app_environment, look)


async def _fence(release: Release, app: str) -> Callable[[OpsFolder, History], dict[str, str]]:
    """What refuses a release that Git does not let follow."""
    source = await load_block(SourceRepository, app)
    return lambda folder, history: check_release(source, folder, history, release)
