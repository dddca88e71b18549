"""That a release is done: what Git says for promotions that start by themselves.

The last step's commit comes before its gates are asked, and what they say is in no other commit.
"""

from __future__ import annotations

from collections.abc import Mapping

from shipway.errors import RefuseError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.git.ops_repository import OpsRepository
from shipway.git.record import record_in
from shipway.git.source_repository import SourceRepository
from shipway.release import Release
from shipway.rollout.commit import commit_to_record
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

    def is_said(folder: OpsFolder, _: History) -> bool:
        record = explanation([record_in(folder.files)], target_of(folder).images)
        return (record.get("Image"), record.get("Step")) == (str(release.image), DONE)

    return commit_to_record(ops, source, target, release, DONE, notes, run, is_said)


def _awaits(folder: OpsFolder, environment: str) -> bool:
    try:
        promotion = promotion_in(folder)
    except RefuseError:
        # It takes nothing before somebody has mended it.
        return False
    return promotion is not None and promotion.by_itself and environment in promotion.source
