"""That a release is done: what Git says for promotions that start by themselves.

The last step's commit comes before its gates are asked, and what they say is in no other commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from shipway.errors import RefuseError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder, Proposal
from shipway.git.ops_repository import OpsRepository
from shipway.git.record import record_in
from shipway.git.source_repository import SourceRepository
from shipway.release import Release
from shipway.rollout.commit import step_commit
from shipway.rollout.commit_message import release_proposal
from shipway.rollout.fence import check_committed
from shipway.rollout.promotion import promotion_in
from shipway.rollout.releases import DONE, explanation
from shipway.rollout.result import StepCommit
from shipway.rollout.run_context import RunContext
from shipway.rollout.target import Target, target_of


def is_awaited(ops: OpsRepository, target: Target) -> bool:
    """Whether another environment takes its versions from this one by itself.

    Raises:
        RefuseError: The ops repository is not there, or access is denied.
        RetryError: Git does not answer.
    """
    awaits = ops.consult_each(lambda folder, _: _awaits(folder, target.environment), app=target.app)
    return any(awaits)


def commit_done(
    ops: OpsRepository,
    source: SourceRepository,
    target: Target,
    release: Release,
    notes: Mapping[str, str],
    run: RunContext,
) -> StepCommit:
    """Commit that a run has seen a release through, to the record alone.

    Args:
        ops: The ops repository.
        source: The app's repository.
        target: The environment.
        release: What is released.
        notes: Trailers: what the gates of the last step said.
        run: The run that commits.

    Raises:
        RefuseError: Somebody else has taken the environment over.
        RetryError: Git does not answer.
    """
    at = datetime.now(UTC)

    def propose(folder: OpsFolder, history: History) -> Proposal | None:
        check_committed(source, folder, history, release)
        # Another run of the release may have seen it through, too.
        record = explanation([record_in(folder.files)], target_of(folder).images)
        if (record.get("Image"), record.get("Step")) == (str(release.image), DONE):
            return None
        more = {**release.cause.trailers(), **notes}
        return release_proposal(folder, {}, release, DONE, more, run.link)

    return step_commit(ops, ops.commit(target.app_environment, propose, run.on_review), at)


def _awaits(folder: OpsFolder, environment: str) -> bool:
    try:
        promotion = promotion_in(folder)
    except RefuseError:
        # It takes nothing before somebody has mended it.
        return False
    return promotion is not None and promotion.by_itself and environment in promotion.source
